"""Entries by hand that a second person approves: entered, then posted or rejected."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.ports.store import Absent, Equals, Item, Page, Put, Store, Update

TABLE = "ledger_adjustments"
State = Literal["waiting_approval", "posted", "rejected"]


class ProposedAdjustment(BaseModel):
    """One of them. `wanted` is the request as it came; `reason` is why it was rejected."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    adjustment_id: str
    account_id: str
    wanted: Item
    state: State
    entered_by: str
    entered_at: str
    approved_by: str | None = None
    reason: str | None = None
    version: int


class ProposedAdjustments:
    """Reads them and prepares their writes; a change is conditional on the version that was read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, id: str) -> ProposedAdjustment | None:
        item = self._store.get(TABLE, {"adjustment_id": id})
        return None if item is None else ProposedAdjustment.model_validate(item)

    def in_state(self, state: State, *, limit: int, cursor: str | None) -> Page:
        """Those of a state, the oldest first; the index may lag. Raises InvalidCommand: a wrong cursor."""
        return self._store.query(TABLE, Equals("state", state), index="by_state", limit=limit, cursor=cursor)


def entering(proposed: ProposedAdjustment) -> Put:
    """The write that enters a new one."""
    return Put(TABLE, proposed.model_dump(exclude_none=True), if_=Absent("adjustment_id"))


def changing(proposed: ProposedAdjustment, values: Item, *, now: datetime) -> Update:
    """The write that sets `values`; it fails when somebody else was faster."""
    return Update(
        TABLE,
        {"adjustment_id": proposed.adjustment_id},
        set={**values, "changed_at": times.text(now)},
        add={"version": 1},
        if_=Equals("version", proposed.version),
    )
