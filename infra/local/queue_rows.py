"""Rows of the local queues in SQLite, and how a message of the port becomes one."""

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from infra.local.database import Database
from infra.local.queue_lines import Entry
from usher.domain.errors import InvalidCommand
from usher.ports.queue import Message

MAX_BYTES = 256 * 1024  # body and attributes together
MAX_ATTRIBUTES = 10
MAX_DELAY_SECONDS = 900
DEDUPLICATION_SECONDS = 300  # SQS's interval, not adjustable there either
DEAD = frozenset({"DeadLetterQueueSourceArn"})  # attributes that only a dead letter has

_SWEEP_EVERY = 1000

Row = tuple[Any, ...]


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
    body = json.dumps(message.body, separators=(",", ":"), allow_nan=False)
    attributes = dict(message.attributes)
    size = len(body) + sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    if size > MAX_BYTES:
        raise InvalidCommand(
            f"a message of {size} bytes is above the limit of {MAX_BYTES}; store it as a blob"
        )
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidCommand(f"a message has at most {MAX_ATTRIBUTES} attributes")
    if not 0 <= message.delay_seconds <= MAX_DELAY_SECONDS:
        raise InvalidCommand(f"a delay is 0 to {MAX_DELAY_SECONDS} seconds, not {message.delay_seconds}")
    if fifo and (message.delay_seconds or not message.group):
        raise InvalidCommand("a message of a FIFO queue needs a group and cannot have a delay")
    return Entry(
        id,
        str(uuid.uuid4()),
        body,
        attributes,
        message.group,
        (message.deduplication_id or hashlib.sha256(body.encode()).hexdigest()) if fifo else None,
        now,
        visible_at=now + message.delay_seconds if message.delay_seconds else 0.0,
    )


def insert(
    connection: sqlite3.Connection, queue: str, entries: Sequence[Entry], now: float, *, deduplicate: bool
) -> list[Entry]:
    """Store the entries; with `deduplicate` only those whose id was not sent in the last five minutes."""
    fresh = [entry for entry in entries if not deduplicate or _first_time(connection, queue, entry, now)]
    connection.executemany(
        "INSERT INTO queue_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
        [
            (
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
            for entry in fresh
        ],
    )
    return fresh


def _first_time(connection: sqlite3.Connection, queue: str, entry: Entry, now: float) -> bool:
    if entry.id % _SWEEP_EVERY == 0:
        connection.execute("DELETE FROM queue_deduplication WHERE expires_at <= ?", (now,))
    changed = connection.execute(
        """INSERT INTO queue_deduplication VALUES (?, ?, ?) ON CONFLICT (queue, id)
        DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?""",
        (queue, entry.deduplication_id, now + DEDUPLICATION_SECONDS, now),
    )
    return changed.rowcount > 0


def received(entry: Entry, visible_at: float = 0.0) -> Row:
    """Parameters of `update`. `visible_at` 0 says: in somebody's hands, and ready again should they crash."""
    return (entry.receives, entry.first_received_at, visible_at, entry.id)


def update(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    connection.executemany(
        "UPDATE queue_messages SET receives = ?, first_received_at = ?, visible_at = ? WHERE id = ?", rows
    )


def delete(connection: sqlite3.Connection, ids: Iterable[tuple[int]]) -> None:
    connection.executemany("DELETE FROM queue_messages WHERE id = ?", ids)


def moved(queue: str, entry: Entry) -> Row:
    """Parameters of `move`: the entry as it now is, in `queue`."""
    attributes = json.dumps(entry.attributes) if entry.attributes else None
    return (queue, attributes, entry.receives, entry.first_received_at, entry.id)


def move(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    connection.executemany(
        """UPDATE queue_messages
        SET queue = ?, attributes = ?, receives = ?, first_received_at = ?, visible_at = 0 WHERE id = ?""",
        rows,
    )


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
