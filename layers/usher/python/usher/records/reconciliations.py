"""Runs of the reconciliation: how far each has come, slice by slice, and what it suspects.

One partition per run: its head, its slices, its suspicions, each of which is gone once it was looked at
again, and what it found, as it was then. The row `running` names the run that goes on: there is one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.reconciliation import Difference, ObjectKind
from usher.domain.reconciliation_pages import Slice
from usher.ports.store import (
    MAX_TRANSACTION,
    Absent,
    BeginsWith,
    Delete,
    Either,
    Equals,
    Item,
    Put,
    Store,
    Update,
    Write,
)
from usher.records.mismatches import Mismatch

TABLE = "reconciliations"
HEAD = "run"
RUNNING = "running"  # the row that says which run goes on
_ALL = "all"
_KEPT = timedelta(days=30)  # how long slices and suspicions stay
_FOUND_KEPT = timedelta(days=400)  # and heads, and what was found

RunState = Literal["running", "done", "failed"]


class Run(BaseModel):
    """One run. `heals_of`: it only heals what that run found. `counts` is there once it has ended.

    `slices` is how many there are to compare, None before they are planned. `since` is None in a run whose
    kinds look back as far as policy says.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    run_id: str
    state: RunState
    since: str | None = None
    until: str
    heal: bool
    started_at: str
    started_by: str
    role: str
    correlation_id: str
    execution: str | None = None
    heals_of: str | None = None
    slices: int | None = None
    ended_at: str | None = None
    alarm: bool = False
    counts: dict[str, Any] | None = None
    version: int = 1


class Progress(BaseModel):
    """One slice: `upto` moves into the past until the slice is done. Counts are of objects."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    name: str
    kind: ObjectKind
    since: str
    upto: str
    state: Literal["open", "done", "too_many"] = "open"
    compared: int = 0
    suspected: int = 0
    version: int = 1

    def moved(self, **values: Any) -> "Progress":
        return self.model_copy(update=values)


class Suspicion(BaseModel):
    """An object that looked different, and when."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    run_id: str
    part: str
    object: ObjectKind
    object_id: str
    seen_at: str


class Reconciliations:
    """Reads and writes runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, run_id: str) -> Run | None:
        item = self._store.get(TABLE, _key(run_id, HEAD))
        return None if item is None else Run.model_validate(item)

    def running(self) -> Run | None:
        """The run that holds the place, whether or not it is alive."""
        item = self._store.get(TABLE, _key(RUNNING, HEAD))
        return self.find(item["holder"]) if item and item.get("holder") else None

    def start(self, run: Run, *, instead_of: Run | None, also: Sequence[Write] = ()) -> None:
        """Put the run in its place. Raises ConditionFailed when another got there first."""
        free = Absent("holder")
        taken = Equals("holder", instead_of.run_id) if instead_of else None
        writes: list[Write] = [
            Update(
                TABLE,
                _key(RUNNING, HEAD),
                set={"holder": run.run_id},
                if_=Either((free, taken)) if taken else free,
            ),
            Put(TABLE, _head(run), if_=Absent("run_id")),
        ]
        if instead_of is not None:
            writes.append(self.changing(instead_of, state="failed", ended_at=run.started_at))
        self._store.transact([*writes, *also])

    def changing(self, run: Run, **values: Any) -> Update:
        """The write that changes a run's head; it fails when somebody else was faster."""
        return Update(
            TABLE,
            _key(run.run_id, HEAD),
            set={name: value for name, value in values.items() if value is not None},
            add={"version": 1},
            if_=Equals("version", run.version),
        )

    def freeing(self, run: Run) -> Update:
        """The write that lets the next run begin; it fails when the place is not this run's any more."""
        return Update(TABLE, _key(RUNNING, HEAD), remove=("holder",), if_=Equals("holder", run.run_id))

    def page(self, *, limit: int, cursor: str | None) -> tuple[list[Run], str | None]:
        """Runs, the latest first. Raises InvalidCommand for a cursor that is not of this list."""
        found = self._store.query(
            TABLE, Equals("listed", _ALL), index="by_time", limit=limit, cursor=cursor, descending=True
        )
        return [Run.model_validate(item) for item in found.items], found.cursor

    # -- slices --------------------------------------------------------------------------------------------

    def plan(self, run: Run, slices: Sequence[Slice], *, now: datetime) -> None:
        """Write the slices that are not there yet, and then how many they are."""
        known = {each.name for each in self.slices(run.run_id)}
        new = [each for each in slices if each.name not in known]
        for start in range(0, len(new), MAX_TRANSACTION):
            self._store.transact([_slice(run, each, now) for each in new[start : start + MAX_TRANSACTION]])
        if run.slices is None:
            self._store.transact([self.changing(run, slices=len(slices))])

    def slice(self, run_id: str, name: str) -> Progress | None:
        item = self._store.get(TABLE, _key(run_id, f"slice#{name}"))
        return None if item is None else Progress.model_validate(item)

    def slices(self, run_id: str) -> Iterator[Progress]:
        for item in self._all(run_id, "slice#"):
            yield Progress.model_validate(item)

    def advance(
        self,
        run_id: str,
        before: Progress,
        after: Progress,
        suspected: Sequence[Difference],
        *,
        now: datetime,
    ) -> Progress:
        """Move a slice on together with what was suspected on the way; returns it as it now is.

        Raises ConditionFailed when it was moved meanwhile.
        """
        moved = Update(
            TABLE,
            _key(run_id, f"slice#{before.name}"),
            set={
                "upto": after.upto,
                "state": after.state,
                "compared": after.compared,
                "suspected": after.suspected,
            },
            add={"version": 1},
            if_=Equals("version", before.version),
        )
        parts = [_suspicion(run_id, before.kind, each, now) for each in suspected]
        for start in range(
            0, len(parts), MAX_TRANSACTION - 1
        ):  # suspicions first: the slice says they are there
            last = start + MAX_TRANSACTION - 1 >= len(parts)
            self._store.transact([*parts[start : start + MAX_TRANSACTION - 1], *([moved] if last else [])])
        if not parts:
            self._store.write(moved)
        return after.moved(version=before.version + 1)

    # -- suspicions ----------------------------------------------------------------------------------------

    def suspect(self, run_id: str, objects: Sequence[tuple[ObjectKind, str]], *, seen_at: datetime) -> None:
        """Have these objects looked at again."""
        rows = [_suspicion_of(run_id, kind, id, seen_at) for kind, id in objects]
        for start in range(0, len(rows), MAX_TRANSACTION):
            self._store.transact(rows[start : start + MAX_TRANSACTION])

    def suspicions(self, run_id: str, *, limit: int) -> list[Suspicion]:
        """Some of what is still to be looked at again."""
        found = self._store.query(
            TABLE, Equals("run_id", run_id), sort=BeginsWith("part", "suspect#"), limit=limit
        )
        return [Suspicion.model_validate(item) for item in found.items]

    def settling(self, suspicion: Suspicion) -> Delete:
        """The write that says that it was looked at again."""
        return Delete(TABLE, _key(suspicion.run_id, suspicion.part))

    def finding(self, run_id: str, row: Mismatch) -> Put:
        """The write that keeps in the run what it found."""
        part = f"found#{row.object}#{row.object_id}"
        kept = _expiring(times.moment(row.seen_at), _FOUND_KEPT)
        return Put(TABLE, row.model_dump(mode="json", exclude_none=True) | _key(run_id, part) | kept)

    def found(self, run_id: str) -> Iterator[Mismatch]:
        """What the run found, by kind of object, each as it was at its end."""
        for item in self._all(run_id, "found#"):
            yield Mismatch.model_validate(item)

    def found_page(self, run_id: str, *, limit: int, cursor: str | None) -> tuple[list[Mismatch], str | None]:
        """`found`, a page at a time. Raises InvalidCommand for a cursor that is not of this list."""
        page = self._store.query(
            TABLE, Equals("run_id", run_id), sort=BeginsWith("part", "found#"), limit=limit, cursor=cursor
        )
        return [Mismatch.model_validate(item) for item in page.items], page.cursor

    def write(self, writes: Sequence[Write]) -> None:
        """Do these, all or none. Raises ConditionFailed."""
        self._store.transact(writes)

    def _all(self, run_id: str, prefix: str) -> Iterator[Item]:
        cursor: str | None = None
        while True:
            page = self._store.query(
                TABLE, Equals("run_id", run_id), sort=BeginsWith("part", prefix), cursor=cursor
            )
            yield from page.items
            if page.cursor is None:
                return
            cursor = page.cursor


def _key(run_id: str, part: str) -> Item:
    return {"run_id": run_id, "part": part}


def _head(run: Run) -> Item:
    own = {"part": HEAD, "listed": _ALL, **_expiring(times.moment(run.started_at), _FOUND_KEPT)}
    return run.model_dump(mode="json", exclude_none=True) | own


def _slice(run: Run, each: Slice, now: datetime) -> Put:
    progress = Progress(name=each.name, kind=each.kind, since=each.since, upto=each.upto)
    item = progress.model_dump(mode="json") | _key(run.run_id, f"slice#{each.name}") | _expiring(now)
    return Put(TABLE, item, if_=Absent("run_id"))


def _suspicion(run_id: str, kind: ObjectKind, each: Difference, now: datetime) -> Put:
    known = each.there or each.here
    assert known is not None
    return _suspicion_of(run_id, kind, known.object_id, now)


def _suspicion_of(run_id: str, kind: ObjectKind, object_id: str, seen_at: datetime) -> Put:
    item = {"object": kind, "object_id": object_id, "seen_at": times.text(seen_at)}
    return Put(TABLE, item | _key(run_id, f"suspect#{kind}#{object_id}") | _expiring(seen_at))


def _expiring(now: datetime, kept: timedelta = _KEPT) -> Item:
    return {"expires_at": int((now + kept).timestamp())}
