"""The event log: our typed events, stored in one transaction with the records they tell of (outbox) (C13)."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.errors import StaleWrite, StoreUnavailable
from usher.domain.event import Envelope, Event
from usher.ports.store import (
    Absent,
    AtLeast,
    AtMost,
    ConditionFailed,
    Delete,
    Equals,
    Item,
    Key,
    Page,
    Present,
    Put,
    Store,
    Update,
    Write,
)
from usher.records.origin import origin
from usher.records.transactions import transact_all

TABLE = "events"
OUTBOX = "outbox"
SHARDS = 8
FEEDS = 4  # spreads the index partition of a day's commits
FEW = 4  # entries are forgotten one by one, at half the price; more than that together, in few calls
_TRIES = 8
_TOLD = "told_"  # an outbox entry's attribute for each of its events that is published while others are not


@dataclass(frozen=True, slots=True)
class Commit:
    """What `EventLog.commit` does for one account: its writes and the events they are told by."""

    account_id: str
    happened: Sequence[Event]
    writes: Sequence[Write]
    correlation_id: str


class EventLog:
    """Appends to the log. The sequence of an account has no gaps and no forks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commit(
        self,
        account_id: str,
        happened: Sequence[Event],
        writes: Sequence[Write],
        *,
        correlation_id: str,
        now: datetime,
        context: dict[str, str] | None = None,
        is_new_account: bool = False,
    ) -> None:
        """Do the writes and append the events, all or none.

        The condition that the next sequence number is free is what orders writers: a loser reads the
        end of the log and tries again. Raises ConditionFailed when one of `writes` fails its condition,
        StaleWrite when the log stayed contended.
        """
        last = 0 if is_new_account else self._last_sequence(account_id)
        for _ in range(_TRIES):
            entries = self._entries(account_id, last, happened, correlation_id, now, context or {})
            try:
                self._store.transact([*writes, *entries])
                return
            except ConditionFailed as error:
                if any(position < len(writes) for position in error.failed):
                    raise
                last = self._last_sequence(account_id)
        raise StaleWrite(f"the event log of {account_id} stayed contended; try the step again")

    def commit_all(
        self, commits: Sequence[Commit], *, now: datetime
    ) -> list[StaleWrite | StoreUnavailable | None]:
        """`commit` for many accounts, each all or none, in few transactions; per commit its error or None.

        One that loses a race is done again alone. No account may come twice.
        """
        groups: list[list[Write]] = []
        for each in commits:
            last = self._last_sequence(each.account_id)
            entries = self._entries(each.account_id, last, each.happened, each.correlation_id, now, {})
            groups.append([*each.writes, *entries])
        outcomes: list[StaleWrite | StoreUnavailable | None] = []
        for each, outcome in zip(commits, transact_all(self._store, groups), strict=True):
            outcomes.append(self._again(each, now) if isinstance(outcome, ConditionFailed) else outcome)
        return outcomes

    def _again(self, each: Commit, now: datetime) -> StaleWrite | StoreUnavailable | None:
        try:
            self.commit(
                each.account_id, each.happened, each.writes, correlation_id=each.correlation_id, now=now
            )
        except (StaleWrite, StoreUnavailable) as error:
            return error
        return None

    def read(self, account_id: str, *, after: int = 0, limit: int = 100) -> list[Envelope]:
        """Events of one account in order, those past sequence `after`."""
        page = self._store.query(
            TABLE, Equals("account_id", account_id), sort=AtLeast("sequence", after + 1), limit=limit
        )
        return [envelope(item) for item in page.items]

    def feed(self, *, since: datetime, until: datetime, limit: int = 100) -> list[Envelope]:
        """Events of all accounts recorded from `since` on, the oldest first: whole commits, `limit` at most.

        The index may lag a moment, and what is being written now may come with a time that has passed.
        """
        found: list[Item] = []
        day = since
        while day.date() <= until.date() and len(found) < limit:
            for shard in range(FEEDS):
                page = self._store.query(
                    TABLE,
                    Equals("feed", f"{day.date().isoformat()}#{shard}"),
                    index="by_time",
                    sort=AtLeast("timestamp", times.text(since)),
                    limit=limit,
                )
                found.extend(page.items)
            day += timedelta(days=1)
        first = sorted(found, key=lambda item: (item["timestamp"], item["account_id"]))[:limit]
        events: list[Envelope] = []
        for item in first:
            size = item["outbox_last"] - item["sequence"] + 1
            events.extend(self.read(item["account_id"], after=item["sequence"] - 1, limit=size))
        return events

    def _last_sequence(self, account_id: str) -> int:
        page = self._store.query(TABLE, Equals("account_id", account_id), limit=1, descending=True)
        return int(page.items[0]["sequence"]) if page.items else 0

    def _entries(
        self,
        account_id: str,
        last: int,
        happened: Sequence[Event],
        correlation_id: str,
        now: datetime,
        context: dict[str, str],
    ) -> list[Write]:
        if not happened:
            return []
        outbox_id = f"{times.text(now)}#{account_id}#{last + 1}"  # in the order of their making
        entries: list[Write] = []
        context = {**origin(), **context}
        for sequence, event in enumerate(happened, start=last + 1):
            payload = event.model_dump(mode="json", exclude_none=True)
            about = {"user_id": payload["user_id"]} if "user_id" in payload else {}
            item: Item = {
                "event_id": f"evt_{account_id.split('_', 1)[1]}_{sequence}",
                "type": event.type,
                "version": event.version,
                "timestamp": times.text(now),
                "account_id": account_id,
                "sequence": sequence,
                "correlation_id": correlation_id,
                "payload": payload,
                "context": {**context, **about},
                "outbox_id": outbox_id,
                "outbox_last": last + len(happened),
            }
            if sequence == last + 1:
                item["feed"] = _feed(account_id, now)
            _refuse_floats(item)
            entries.append(Put(TABLE, item, if_=Absent("account_id")))
        entries.append(
            Put(
                OUTBOX,
                {
                    **_key(account_id, outbox_id),
                    "created_at": times.text(now),
                    "account_id": account_id,
                    "first": last + 1,
                    "last": last + len(happened),
                },
            )
        )
        return entries


class Outbox:
    """What was stored and is not yet known to be published."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def unpublished(self, shard: int, *, older_than: timedelta, now: datetime) -> Page:
        """Entries of one shard that the stream should have published by now, oldest first."""
        return self._store.query(
            OUTBOX, Equals("shard", f"shard#{shard}"), sort=AtMost("outbox_id", times.text(now - older_than))
        )

    def events_of(self, entry: Item) -> list[Item]:
        """The stored events an entry stands for."""
        keys = [
            {"account_id": entry["account_id"], "sequence": n}
            for n in range(entry["first"], entry["last"] + 1)
        ]
        return [item for item in (self._store.get(TABLE, key) for key in keys) if item is not None]

    def published(self, events: Iterable[Item]) -> None:
        """Forget the entries whose events are now all published.

        A batch of the stream may hold part of a commit. What it held is noted at the entry, which goes with
        the last part: its events are not published twice, and none that the stream gave up is forgotten.
        """
        done: list[Delete] = []
        for (account_id, outbox_id), (told, owed) in _commits(events).items():
            key = _key(account_id, outbox_id)
            if told < owed:
                told |= self._told(key, told)
            if told >= owed:
                done.append(Delete(OUTBOX, key))
        if len(done) <= FEW:
            for entry in done:
                self._store.write(entry)
            return
        for failure in filter(None, transact_all(self._store, [[entry] for entry in done])):
            raise failure

    def _told(self, key: Key, told: set[int]) -> set[int]:
        """Note a part; returns all that was noted so far, nothing when the entry is gone."""
        with contextlib.suppress(ConditionFailed):  # swept in between: all of it is published
            marks = {f"{_TOLD}{sequence}": True for sequence in told}
            self._store.write(Update(OUTBOX, key, set=marks, if_=Present("shard")))
        entry = self._store.get(OUTBOX, key) or {}
        return {int(name.removeprefix(_TOLD)) for name in entry if name.startswith(_TOLD)}


def _feed(account_id: str, now: datetime) -> str:
    return f"{now.date().isoformat()}#{sum(account_id.encode()) % FEEDS}"


def envelope(item: Item) -> Envelope:
    return Envelope.model_validate(item)


def _commits(events: Iterable[Item]) -> dict[tuple[str, str], tuple[set[int], set[int]]]:
    """For each commit among these events, by account and entry: which of its events they are, and it has."""
    found: dict[tuple[str, str], tuple[set[int], set[int]]] = {}
    for item in events:
        outbox_id = item["outbox_id"]
        owed = set(range(_first(outbox_id), item["outbox_last"] + 1))
        found.setdefault((item["account_id"], outbox_id), (set(), owed))[0].add(item["sequence"])
    return found


def _key(account_id: str, outbox_id: str) -> dict[str, str]:
    """An entry's: partitions spread by account, in each the oldest first, so that no index is paid for."""
    return {"shard": f"shard#{sum(account_id.encode()) % SHARDS}", "outbox_id": outbox_id}


def _first(outbox_id: str) -> int:
    return int(outbox_id.rpartition("#")[2])


def _refuse_floats(item: Item) -> None:
    bad = [name for name, value in item["payload"].items() if isinstance(value, float)]
    if bad:
        raise TypeError(f"{item['type']} carries floats in {bad}: use integers of a smaller unit")
