"""Facts that the ledger cannot post yet, each with the reason and with what it waits for."""

from dataclasses import dataclass
from datetime import datetime

from usher.domain import times
from usher.domain.event import Envelope
from usher.domain.posting import Waits
from usher.ports.store import Absent, Check, Delete, Equals, Item, Page, Present, Put, Store, Write

TABLE = "ledger_quarantine"
_LISTED = "all"


@dataclass(frozen=True, slots=True)
class Held:
    """A fact in quarantine."""

    until: str
    event: Envelope
    since: str
    fact: str
    reason: str


class Quarantine:
    """A row per event, under what it waits for; gone once the event is posted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hold(
        self,
        event: Envelope,
        fact: str,
        waits: Waits,
        *,
        unless: Check | None,
        now: datetime,
        instead_of: Held | None = None,
    ) -> None:
        """Put an event here, or under something else than before; that it is here already changes nothing.

        Raises ConditionFailed when what it waits for is there after all (`unless` fails): try again.
        """
        row = {
            "waits_for": waits.until,
            "event_id": event.event_id,
            "listed": _LISTED,
            "since": instead_of.since if instead_of else times.text(now),
            "fact": fact,
            "reason": waits.reason,
            "account_id": event.account_id,
            "event": event.model_dump(mode="json"),
        }
        if self._store.get(TABLE, {"waits_for": waits.until, "event_id": event.event_id}) is not None:
            if instead_of:
                self.release(instead_of)  # it came twice, and has been put there by then
            return
        put = Put(TABLE, row, if_=Absent("event_id"))
        moved = (self.releasing(instead_of),) if instead_of else ()
        self._store.transact([put, *moved, *((unless,) if unless else ())])

    def waiting_for(self, *until: str) -> list[Held]:
        """All that waits for any of these."""
        found: list[Held] = []
        for each in until:
            cursor: str | None = None
            while True:
                page = self._store.query(TABLE, Equals("waits_for", each), cursor=cursor)
                found += map(_held, page.items)
                cursor = page.cursor
                if cursor is None:
                    break
        return found

    def releasing(self, held: Held) -> Write:
        """The write that takes it out of here, for the transaction in which it is posted."""
        return Delete(TABLE, {"waits_for": held.until, "event_id": held.event.event_id})

    def find(self, until: str, event_id: str) -> Held | None:
        item = self._store.get(TABLE, {"waits_for": until, "event_id": event_id})
        return None if item is None else _held(item)

    def dismiss(self, held: Held, noted: Put) -> None:
        """Take it out, and note who did. Raises ConditionFailed when it is not here any more."""
        key = {"waits_for": held.until, "event_id": held.event.event_id}
        self._store.transact([Delete(TABLE, key, if_=Present("event_id")), noted])

    def release(self, held: Held) -> None:
        self._store.transact([self.releasing(held)])

    def page(self, *, limit: int, cursor: str | None = None) -> Page:
        """What is here, the longest first. Raises InvalidCommand: a wrong cursor."""
        return self._store.query(
            TABLE, Equals("listed", _LISTED), index="by_time", limit=limit, cursor=cursor
        )


def _held(item: Item) -> Held:
    event = Envelope.model_validate(item["event"])
    return Held(item["waits_for"], event, item["since"], item["fact"], item["reason"])


def shown(row: Item) -> Item:
    """A row as operators see it."""
    names = ("event_id", "fact", "waits_for", "reason", "since", "account_id", "event")
    return {name: row[name] for name in names}
