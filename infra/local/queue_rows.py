"""Rows of the local queues in SQLite, and how a message of the port becomes one."""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from infra.local.database import Database
from infra.local.queue_lines import Entry
from usher.adapters.queue_messages import encode
from usher.ports.queue import Message

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
    encoded = encode(message, fifo=fifo)
    return Entry(
        id,
        str(uuid.uuid4()),
        encoded.body,
        dict(message.attributes),
        message.group,
        encoded.deduplication_id,
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
