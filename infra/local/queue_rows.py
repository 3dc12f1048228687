"""Rows of the local queues in SQLite, and how a message of the port becomes one."""

import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from infra.local.commit_group import Batch, Part
from infra.local.database import Database
from infra.local.queue_lines import Entry
from infra.local.request_ids import request_id
from usher.adapters.queue_messages import encode
from usher.domain.errors import StoreUnavailable
from usher.ports.queue import Message

DEDUPLICATION_SECONDS = 300  # SQS's interval, not adjustable there either
DEAD = frozenset({"DeadLetterQueueSourceArn"})  # attributes that only a dead letter has

WRITE_SECONDS = 30.0  # how long a write may take before its caller is told that it is unknown

_SWEEP_EVERY = 1000

_INSERT = """INSERT INTO queue_messages
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
    0, NULL FROM json_each(?)"""
_UPDATE = """UPDATE queue_messages
SET receives = new.value->>1, first_received_at = new.value->>2, visible_at = new.value->>3
FROM json_each(?) AS new WHERE queue_messages.id = new.value->>0"""
_MOVE = """UPDATE queue_messages
SET queue = new.value->>1, attributes = new.value->>2, receives = new.value->>3,
    first_received_at = new.value->>4, visible_at = 0
FROM json_each(?) AS new WHERE queue_messages.id = new.value->>0"""
_DELETE = "DELETE FROM queue_messages WHERE id IN (SELECT value FROM json_each(?))"

Row = tuple[Any, ...]
T = TypeVar("T")
logger = logging.getLogger("usher.local")


def create(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE IF NOT EXISTS queue_messages (
            id INTEGER PRIMARY KEY, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
            attributes TEXT, message_group TEXT, deduplication_id TEXT, sent_at REAL NOT NULL,
            visible_at REAL NOT NULL, receives INTEGER NOT NULL, first_received_at REAL)"""
    )
    connection.execute(
        """CREATE TABLE IF NOT EXISTS queue_deduplication (
            queue TEXT NOT NULL, id TEXT NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (queue, id)
        ) WITHOUT ROWID"""
    )


def next_id(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT max(id) FROM queue_messages").fetchone()[0]
    return int(found or 0) + 1


def new_entry(id: int, message: Message, now: float, *, fifo: bool) -> Entry:
    """The entry of a message sent now. Raises InvalidCommand for what SQS would refuse."""
    encoded = encode(message, fifo=fifo)
    return Entry(
        id,
        request_id(),
        encoded.body,
        dict(message.attributes),
        message.group,
        encoded.deduplication_id,
        now,
        visible_at=now + message.delay_seconds if message.delay_seconds else 0.0,
    )


class Once:
    """Entries for a FIFO queue; once stored, `fresh` are those not sent before in the last five minutes."""

    __slots__ = ("entries", "fresh", "now", "queue")

    def __init__(self, queue: str, entries: list[Entry], now: float) -> None:
        self.queue, self.entries, self.now = queue, entries, now
        self.fresh: list[Entry] = []


def _insert_once(connection: sqlite3.Connection, items: list[Once]) -> None:
    for item in items:
        item.fresh = [e for e in item.entries if _first_time(connection, item.queue, e, item.now)]
    rows = [[stored(item.queue, entry) for entry in item.fresh] for item in items]
    connection.execute(_INSERT, _as_json(rows))


def _first_time(connection: sqlite3.Connection, queue: str, entry: Entry, now: float) -> bool:
    if entry.id % _SWEEP_EVERY == 0:
        connection.execute("DELETE FROM queue_deduplication WHERE expires_at <= ?", (now,))
    changed = connection.execute(
        """INSERT INTO queue_deduplication VALUES (?, ?, ?) ON CONFLICT (queue, id)
        DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?""",
        (queue, entry.deduplication_id, now + DEDUPLICATION_SECONDS, now),
    )
    return changed.rowcount > 0


def stored(queue: str, entry: Entry) -> Row:
    """A new message, for the batch `insert`."""
    return (
        entry.id,
        queue,
        entry.message_id,
        entry.body,
        json.dumps(entry.attributes) if entry.attributes else None,
        entry.group,
        entry.deduplication_id,
        entry.sent_at,
        entry.visible_at,
    )


def received(entry: Entry, visible_at: float = 0.0) -> Row:
    """A receive, for the batch `update`. 0 says: in somebody's hands, and ready again should they crash."""
    return (entry.id, entry.receives, entry.first_received_at, visible_at)


class Journal:
    """Writes of all queues: each of the frequent ones is one statement for all items of a commit group."""

    def __init__(self, database: Database) -> None:
        self._insert: Batch[list[Row]] = database.batch(_INSERT, _as_json)
        self._once: Batch[Once] = database.gathered(_insert_once)
        self._update: Batch[list[Row]] = database.batch(_UPDATE, _last_of_each)
        self._delete: Batch[list[int]] = database.batch(_DELETE, _as_json)
        self._move: Batch[list[Row]] = database.batch(_MOVE, _last_of_each)

    def insertion(self, queue: str, entries: list[Entry], now: float, *, once: bool) -> Part:
        """What a commit takes to store new messages; with `once` only those whose id is new."""
        if once:
            return self._once, Once(queue, entries, now)
        return self._insert, [stored(queue, entry) for entry in entries]

    def insert(self, part: Part) -> None:
        """Store them durably. Raises StoreUnavailable."""
        _wait(*part)

    def update(self, rows: list[Row]) -> None:
        """Note receives, with the next commit."""
        self._update.submit(rows, _report)

    def delete(self, ids: list[int], *, wait: bool) -> None:
        """Delete messages, with the next commit or durably. Raises StoreUnavailable when it waits."""
        if wait:
            _wait(self._delete, ids)
        else:
            self._delete.submit(ids, _report)

    def move(self, rows: list[Row], *, wait: bool = False) -> None:
        """Move messages to other queues, with the next commit or durably. Raises StoreUnavailable then."""
        if wait:
            _wait(self._move, rows)
        else:
            self._move.submit(rows, _report)


def _wait(batch: Batch[T], item: T) -> None:
    """Submit and wait. A plain lock, because a Future costs more than all the rest of a send."""
    outcome: list[BaseException | None] = []
    ended = threading.Lock()
    ended.acquire()

    def done(error: BaseException | None) -> None:
        outcome.append(error)
        ended.release()

    batch.submit(item, done)
    if not ended.acquire(timeout=WRITE_SECONDS):
        raise StoreUnavailable("the database did not answer; it is overloaded or closed")
    if outcome[0] is not None:
        raise StoreUnavailable(f"the queue was not written: {outcome[0]}") from outcome[0]


def _report(error: BaseException | None) -> None:
    if error is not None:
        logger.error("a queue could not note what happened to a message: %s", type(error).__name__)


def _as_json(items: Sequence[Sequence[Any]]) -> tuple[str]:
    return (json.dumps([row for rows in items for row in rows]),)


def _last_of_each(items: Sequence[Sequence[Row]]) -> tuple[str]:
    """Of several updates of one row UPDATE FROM would take any: the last one counts."""
    return (json.dumps(list({row[0]: row for rows in items for row in rows}.values())),)


def moved(queue: str, entry: Entry) -> Row:
    """The entry as it now is, in `queue`, for the batch `move`."""
    attributes = json.dumps(entry.attributes) if entry.attributes else None
    return (entry.id, queue, attributes, entry.receives, entry.first_received_at)


def load(database: Database) -> list[tuple[str, Entry]]:
    """Every stored message with the name of its queue, in the order of sending."""
    rows = database.reader().execute("SELECT * FROM queue_messages ORDER BY id").fetchall()
    return [(row["queue"], _entry(row)) for row in rows]


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        row["id"],
        row["message_id"],
        row["body"],
        json.loads(row["attributes"]) if row["attributes"] else {},
        row["message_group"],
        row["deduplication_id"],
        row["sent_at"],
        row["visible_at"],
        row["receives"],
        row["first_received_at"],
    )
