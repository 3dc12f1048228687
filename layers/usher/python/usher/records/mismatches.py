"""Mismatches: objects that the vendor and we hold differently, one row per object, until they agree again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.domain.reconciliation import Difference, MismatchKind, ObjectKind, Side
from usher.ports.store import Absent, Condition, Equals, Put, Store

TABLE = "mismatches"
MismatchState = Literal["open", "healed", "dismissed"]


class Mismatch(BaseModel):
    """One row. `run_id` is the run that saw it last; `there` is the vendor's side, `here` is ours.

    `by`: who healed or dismissed it; `itself`, when both sides agreed without anybody's doing.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    mismatch_id: str
    run_id: str
    first_run_id: str
    state: MismatchState
    object: ObjectKind
    object_id: str
    kind: MismatchKind
    safe: bool
    fields: tuple[str, ...] = ()
    there: Side | None = None
    here: Side | None = None
    account_id: str | None = None
    reason: str
    opened_at: str
    seen_at: str
    seen: int = 1
    settled_at: str | None = None
    by: str | None = None
    version: int = 1


def of_object(kind: ObjectKind, object_id: str) -> str:
    """The id of an object's row."""
    return ids.derived("mis", kind, object_id)


class Mismatches:
    """Reads the rows, and prepares their writes for the transaction in which something is found or mended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, mismatch_id: str) -> Mismatch | None:
        item = self._store.get(TABLE, {"mismatch_id": mismatch_id})
        return None if item is None else Mismatch.model_validate(item)

    def find_all(self, mismatch_ids: Sequence[str]) -> list[Mismatch]:
        """Those of these distinct ids that there are, in few calls."""
        found = self._store.get_all(TABLE, [{"mismatch_id": id} for id in mismatch_ids])
        return [Mismatch.model_validate(item) for item in found if item is not None]

    def filing(
        self,
        run_id: str,
        object: ObjectKind,
        found: Difference,
        *,
        reason: str,
        now: datetime,
        account_id: str | None = None,
    ) -> tuple[Mismatch, Put]:
        """What a run found as an open row, and the write that files it.

        Found again while it is open, it is the same mismatch. What a person dismissed stays dismissed as long
        as neither side changes. Filed again by one run (after a crash), it counts once.
        """
        known = found.there or found.here
        assert known is not None
        id, moment = of_object(object, known.object_id), times.text(now)
        former = self.find(id)
        again = former is not None and (former.state == "open" or former.run_id == run_id)
        dismissed = former is not None and former.state == "dismissed" and _same(former, found)
        row = Mismatch(
            mismatch_id=id,
            run_id=run_id,
            first_run_id=former.first_run_id if again and former else run_id,
            state="dismissed" if dismissed else "open",
            object=object,
            object_id=known.object_id,
            kind=found.kind,
            safe=found.is_safe,
            fields=found.fields,
            there=found.there,
            here=found.here,
            account_id=account_id,
            reason=former.reason if dismissed and former else reason,
            opened_at=former.opened_at if again and former else moment,
            seen_at=moment,
            seen=(former.seen + (former.run_id != run_id)) if again and former else 1,
            settled_at=former.settled_at if dismissed and former else None,
            by=former.by if dismissed and former else None,
            version=former.version + 1 if former else 1,
        )
        return row, _put(row, former)

    def settling(
        self,
        row: Mismatch,
        state: MismatchState,
        *,
        reason: str,
        by: str,
        now: datetime,
        run_id: str | None = None,
    ) -> tuple[Mismatch, Put]:
        """An open row closed, and the write of it; it fails when the row changed since it was read."""
        values = {"state": state, "reason": reason, "by": by, "settled_at": times.text(now)}
        closed = row.model_copy(update={**values, "version": row.version + 1, "run_id": run_id or row.run_id})
        return closed, _put(closed, row)

    def page(
        self, state: MismatchState, *, cursor: str | None = None, limit: int
    ) -> tuple[list[Mismatch], str | None]:
        """Those in a state, the oldest first. Raises InvalidCommand for a cursor that is not of this list."""
        found = self._store.query(TABLE, Equals("state", state), index="by_state", limit=limit, cursor=cursor)
        return [Mismatch.model_validate(item) for item in found.items], found.cursor


def _same(former: Mismatch, found: Difference) -> bool:
    return (former.there, former.here) == (found.there, found.here)


def _put(row: Mismatch, former: Mismatch | None) -> Put:
    condition: Condition = Equals("version", former.version) if former else Absent("mismatch_id")
    return Put(TABLE, row.model_dump(mode="json", exclude_none=True), if_=condition)
