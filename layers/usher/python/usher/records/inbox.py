"""Inbox: raw webhooks as they came, each claimed once, and what became of it (F3)."""

import base64
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from usher.domain import times
from usher.ports.store import (
    Absent,
    AtMost,
    Condition,
    ConditionFailed,
    Equals,
    Item,
    OneOf,
    Page,
    Present,
    Put,
    Store,
    Update,
    Write,
)

TABLE = "inbox"
OnParked = Callable[[str, str, str], None]  # told the event's id, its kind and why, once it is parked
PLAIN_BYTES = 1024  # a longer body is packed: DynamoDB's writes are paid by the KB (ADR 0091)
SHARDS = 10  # spreads the index partition of what is pending
_THERE = Present("event_id")  # an Update without a condition would leave a row that never expires


def row(
    event_id: str, *, source: str, body: str, digest: str, received_at: datetime, keep_days: int, extra: Item
) -> Put:
    """The write that claims an event: its condition fails when the event was claimed before.

    It stays on the list of what is pending until it is finished or parked.
    """
    received = times.text(received_at)
    item: Item = {
        "event_id": event_id,
        "source": source,
        "state": "claimed",
        **_kept(body),
        "digest": digest,
        "received_at": received,
        "queued_at": received,
        "pending": _shard(event_id),
        "expires_at": int((received_at + timedelta(days=keep_days)).timestamp()),
        **extra,
    }
    return Put(TABLE, item, if_=Absent("event_id"))


def _kept(body: str) -> Item:
    raw = body.encode()
    if len(raw) <= PLAIN_BYTES:
        return {"body": body}
    return {"packed_body": base64.b64encode(zlib.compress(raw)).decode()}


def body_of(item: Item) -> str:
    """The event as it came, character for character; empty where it was too large to keep."""
    packed = item.get("packed_body")
    return item.get("body", "") if packed is None else zlib.decompress(base64.b64decode(packed)).decode()


def _shard(event_id: str) -> str:
    return f"pending#{sum(event_id.encode()) % SHARDS}"


class Inbox:
    """Claims events, reads them back, and moves them on. Nothing moves an event whose row has expired."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, put: Put) -> Item | None:
        """Claim the event; returns the row that was there before, None when this claim is the first."""
        try:
            self._store.write(put)
        except ConditionFailed as error:
            return error.failed[0]
        return None

    def keep(self, put: Put, *, outcome: str) -> None:
        """Store an event that needs no work, with why; one that is there already stays as it is."""
        item = {name: value for name, value in put.item.items() if name != "pending"}
        self.claim(Put(put.table, {**item, "state": "done", "outcome": outcome}, if_=put.if_))

    def get(self, event_id: str) -> Item | None:
        return self._store.get(TABLE, {"event_id": event_id})

    def finish(self, event_id: str, *, now: datetime) -> None:
        """The event was dealt with: it leaves the list of what is pending."""
        self._close(event_id, "done", {"done_at": times.text(now)})

    def park(self, event_id: str, *, reason: str, now: datetime, filed: Write) -> bool:
        """The event cannot be dealt with yet; it stays visible with the reason, and can be replayed.

        `filed` puts it on the list of failures in the same transaction. Returns whether it is parked: one
        that was finished in the meantime stays finished.
        """
        parked = Update(
            TABLE,
            {"event_id": event_id},
            set={"state": "parked", "parked_at": times.text(now), "reason": reason},
            remove=("pending",),
            if_=OneOf("state", ("claimed", "parked")),
        )
        try:
            self._store.transact([parked, filed])
        except ConditionFailed as error:
            if 0 not in error.failed:
                raise  # its failure was filed or redriven by somebody else just now: look again
            return False
        return True

    def claiming_again(self, event_id: str, *, now: datetime) -> Update:
        """The write that claims a parked event anew, for a redrive; it fails when the event is not parked."""
        return Update(
            TABLE,
            {"event_id": event_id},
            set={"state": "claimed", "queued_at": times.text(now), "pending": _shard(event_id)},
            remove=("parked_at", "reason", "sweeps"),
            if_=Equals("state", "parked"),
        )

    def queued_again(self, event_id: str, *, now: datetime) -> None:
        """A sweep queued the event once more, which renews its lease."""
        self._change(event_id, _THERE, set={"queued_at": times.text(now)}, add={"sweeps": 1})

    def postponed(self, event_id: str, *, until: datetime) -> None:
        """The event's message comes at that moment on purpose; its lease begins then."""
        self._change(event_id, _THERE, set={"queued_at": times.text(until)})

    def pending(self, shard: int, *, before: datetime, cursor: str | None = None) -> Page:
        """Events of one shard queued before this moment and never finished, oldest first."""
        return self._store.query(
            TABLE,
            Equals("pending", f"pending#{shard}"),
            index="by_pending",
            sort=AtMost("queued_at", times.text(before)),
            cursor=cursor,
        )

    def _close(self, event_id: str, state: str, values: Item, if_: Condition = _THERE) -> bool:
        return self._change(event_id, if_, set={"state": state, **values}, remove=("pending",))

    def _change(self, event_id: str, if_: Condition, **changes: Any) -> bool:
        try:
            self._store.write(Update(TABLE, {"event_id": event_id}, **changes, if_=if_))
        except ConditionFailed:
            return False
        return True
