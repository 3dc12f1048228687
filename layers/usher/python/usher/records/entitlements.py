"""What decides what an account may do, in one row: read by its key, forgotten when an event tells more.

The row has a generation, which forgetting moves on. Who reads the records to fill the row has noted it
before, and fills the row of that generation only: what was read before a change never stays after it.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.entitlements import Held
from usher.domain.errors import StoreUnavailable
from usher.ports.store import Absent, ConditionFailed, Equals, Present, Put, Store, Update
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.usage_shares import PERIODS, meter_of

TABLE = "entitlements"
KEPT = timedelta(
    days=30
)  # of an account that nobody asks about the row goes; the next question makes it anew


class Used(BaseModel):
    """How much of a metric was used in the billing period that runs until `until`."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    quantity: int
    until: str


class Standing(BaseModel):
    """What decides: the account's status, its subscriptions, what it has used. `read_at` from the records."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    account_status: str
    held: tuple[Held, ...] = ()
    used: Mapping[str, Used] = {}
    read_at: str


class Standings:
    """Reads standings, from their rows or from the records, and forgets them."""

    def __init__(self, store: Store, accounts: Accounts, records: BillingRecords) -> None:
        self._store = store
        self._accounts = accounts
        self._records = records

    def of(
        self, account_id: str, *, now: datetime, fresh: timedelta, metrics: tuple[str, ...]
    ) -> Standing | None:
        """The account's standing, no older than `fresh` unless every change was told; None: no such account.

        Raises StoreUnavailable.
        """
        row = self._store.get(TABLE, {"account_id": account_id})
        if row is not None and "standing" in row:
            kept = Standing.model_validate(row["standing"])
            if times.moment(kept.read_at) > now - fresh:
                return kept
        if self._accounts.find(account_id) is None:
            return None
        generation = row["generation"] if row is not None else self._begin(account_id)
        standing = self.read(account_id, now=now, metrics=metrics)
        if standing is not None and generation is not None:
            self._fill(account_id, generation, standing, now)
        return standing

    def read(self, account_id: str, *, now: datetime, metrics: tuple[str, ...]) -> Standing | None:
        """The standing as the records have it now, whatever the row says."""
        account = self._accounts.find(account_id)
        if account is None:
            return None
        return Standing(
            account_status=account.status,
            held=tuple(Held.model_validate(item) for item in self._records.subscriptions_of(account_id)),
            used={metric: used for metric in metrics if (used := self._used(account_id, metric))},
            read_at=times.text(now),
        )

    def forget(self, account_id: str) -> bool:
        """Have the row filled anew by who asks next; False when there is none, which is as good.

        Most accounts have none while they begin, and a look is cheaper than a write that is refused. Nothing
        slips through: who asks makes the row before it reads the records.
        """
        if self._store.get(TABLE, {"account_id": account_id}) is None:
            return False
        moved_on = Update(
            TABLE,
            {"account_id": account_id},
            remove=("standing",),
            add={"generation": 1},
            if_=Present("account_id"),
        )
        try:
            self._store.write(moved_on)
        except ConditionFailed:
            return False
        return True

    def _used(self, account_id: str, metric: str) -> Used | None:
        meter = Equals("meter", meter_of(account_id, metric))
        rows = self._store.query(PERIODS, meter, limit=1, descending=True).items
        return Used(quantity=rows[0]["quantity"], until=rows[0]["ends_at"]) if rows else None

    def _begin(self, account_id: str) -> int | None:
        try:
            self._store.write(
                Put(TABLE, {"account_id": account_id, "generation": 1}, if_=Absent("account_id"))
            )
        except (ConditionFailed, StoreUnavailable):  # somebody else asks too, and fills it
            return None
        return 1

    def _fill(self, account_id: str, generation: int, standing: Standing, now: datetime) -> None:
        values: dict[str, Any] = {
            "standing": standing.model_dump(mode="json", exclude_none=True),
            "expires_at": int((now + KEPT).timestamp()),
        }
        filled = Update(TABLE, {"account_id": account_id}, set=values, if_=Equals("generation", generation))
        with suppress(ConditionFailed, StoreUnavailable):  # a change was told: who asks next reads it
            self._store.write(filled)
