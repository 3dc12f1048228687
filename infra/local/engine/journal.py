"""The engine's tables: frontiers, history and outcomes, written a whole commit group at a time.

Each kind of row is written by one statement over one JSON text, so a commit of fifty transitions costs five
hand-overs to SQLite, which works on them without the interpreter's lock.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from infra.local.database import Batch, Database, Done
from infra.local.engine.execution import Execution

_SCHEMA = """
CREATE TABLE IF NOT EXISTS workflow_definitions (
    digest TEXT PRIMARY KEY, machine TEXT NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workflow_executions (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine TEXT NOT NULL,
    digest TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    started REAL NOT NULL, stopped REAL, deadline REAL, events INTEGER NOT NULL DEFAULT 0,
    redrives INTEGER NOT NULL DEFAULT 0, redriven REAL, announced INTEGER NOT NULL DEFAULT 1,
    parent_key INTEGER, parent_path TEXT, parent_mark INTEGER
);
CREATE INDEX IF NOT EXISTS workflow_executions_status ON workflow_executions (status, key);
CREATE INDEX IF NOT EXISTS workflow_executions_parent ON workflow_executions (parent_key, parent_path)
    WHERE parent_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS workflow_executions_silent ON workflow_executions (key) WHERE announced = 0;
CREATE TABLE IF NOT EXISTS workflow_frames (
    execution INTEGER NOT NULL, path TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (execution, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workflow_items (
    execution INTEGER NOT NULL, path TEXT NOT NULL, items TEXT NOT NULL, PRIMARY KEY (execution, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workflow_history (
    row INTEGER PRIMARY KEY, execution INTEGER NOT NULL, events TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS workflow_history_execution ON workflow_history (execution);
CREATE TABLE IF NOT EXISTS workflow_tokens (
    token TEXT PRIMARY KEY, execution INTEGER NOT NULL
) WITHOUT ROWID;
"""

_INSERT = """
INSERT INTO workflow_executions
    (key, id, name, machine, digest, status, input, started, deadline, parent_key, parent_path, parent_mark)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, 'RUNNING', value->5, value->>6, value->>7,
    value->>8, value->>9, value->>10
FROM json_each(?)
"""
_PUT_FRAMES = """
INSERT OR REPLACE INTO workflow_frames (execution, path, data)
SELECT value->>0, value->>1, value->2 FROM json_each(?)
"""
_DROP_FRAMES = """
DELETE FROM workflow_frames
WHERE (execution, path) IN (SELECT value->>0, value->>1 FROM json_each(?))
"""
_PUT_ITEMS = """
INSERT OR REPLACE INTO workflow_items (execution, path, items)
SELECT value->>0, value->>1, value->2 FROM json_each(?)
"""
_HISTORY = "INSERT INTO workflow_history (execution, events) SELECT value->>0, value->1 FROM json_each(?)"
_TOKENS = "INSERT OR IGNORE INTO workflow_tokens SELECT value->>0, value->>1 FROM json_each(?)"
_END = """
UPDATE workflow_executions
SET status = new.value->>1, output = new.value->2, error = new.value->3, cause = new.value->4,
    stopped = new.value->>5, events = new.value->>6, announced = new.value->>7
FROM json_each(?) AS new WHERE workflow_executions.key = new.value->>0
"""
_CLEAR_ITEMS = "DELETE FROM workflow_items WHERE execution IN (SELECT value FROM json_each(?))"
_ANNOUNCED = "UPDATE workflow_executions SET announced = 1 WHERE key IN (SELECT value FROM json_each(?))"


class Entry:
    """What one transition writes; texts are JSON."""

    __slots__ = ("announced", "clear", "end", "events", "frames", "insert", "items", "key", "tokens")

    def __init__(self, key: int) -> None:
        self.key = key
        self.insert: str | None = None
        self.end: str | None = None
        self.clear = False
        self.announced = False
        self.events: list[str] = []
        self.frames: dict[str, str | None] = {}  # path -> frame, None to drop it
        self.items: list[str] = []
        self.tokens: list[str] = []


def write(connection: sqlite3.Connection, entries: list[Entry]) -> None:
    """All rows of a commit group; of several writes to one frame the last holds."""
    frames = {(entry.key, path): text for entry in entries for path, text in entry.frames.items()}
    _run(connection, _INSERT, (entry.insert for entry in entries if entry.insert))
    _run(
        connection,
        _HISTORY,
        (f"[{entry.key},[{','.join(entry.events)}]]" for entry in entries if entry.events),
    )
    _run(connection, _DROP_FRAMES, (f'[{k},"{path}"]' for (k, path), text in frames.items() if text is None))
    _run(connection, _PUT_FRAMES, (f'[{k},"{path}",{text}]' for (k, path), text in frames.items() if text))
    _run(connection, _PUT_ITEMS, (text for entry in entries for text in entry.items))
    _run(connection, _TOKENS, (f'["{token}",{entry.key}]' for entry in entries for token in entry.tokens))
    _run(connection, _END, (entry.end for entry in entries if entry.end))
    _run(connection, _CLEAR_ITEMS, (str(entry.key) for entry in entries if entry.clear))
    _run(connection, _ANNOUNCED, (str(entry.key) for entry in entries if entry.announced))


def _run(connection: sqlite3.Connection, statement: str, rows: Iterable[str]) -> None:
    text = ",".join(rows)
    if text:
        connection.execute(statement, (f"[{text}]",))


def _create(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)


class Journal:
    """Writes entries in groups and reads executions back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.write(_create)
        self._batch: Batch[Entry] = database.batch(write)

    def commit(self, entry: Entry, done: Done) -> None:
        """`done(error or None)` is called on the writer's thread once the entry is durable."""
        self._batch.submit(entry, done)

    def define(self, digest: str, machine: str, document: str) -> None:
        self._database.write(
            lambda connection: (
                connection.execute(
                    "INSERT OR IGNORE INTO workflow_definitions VALUES (?, ?, ?)", (digest, machine, document)
                )
                and None
            )
        )

    def last_key(self) -> int:
        return int(self._one("SELECT max(key) FROM workflow_executions")[0] or 0)

    def definition(self, digest: str) -> tuple[str, str]:
        """Machine name and document text of a digest."""
        row = self._one("SELECT machine, document FROM workflow_definitions WHERE digest = ?", digest)
        return row["machine"], row["document"]

    def row(self, id: str) -> sqlite3.Row | None:
        return self._maybe("SELECT * FROM workflow_executions WHERE id = ?", id)

    def row_by_key(self, key: int) -> sqlite3.Row:
        return self._one("SELECT * FROM workflow_executions WHERE key = ?", key)

    def rows(self, status: str | None, machine: str | None, limit: int) -> list[sqlite3.Row]:
        """Newest first."""
        clauses = [f"{name} = ?" for name, value in (("status", status), ("machine", machine)) if value]
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        values = [value for value in (status, machine) if value]
        return self._all(
            f"SELECT * FROM workflow_executions {where} ORDER BY key DESC LIMIT ?", *values, limit
        )

    def running(self) -> list[sqlite3.Row]:
        return self._all("SELECT * FROM workflow_executions WHERE status = 'RUNNING' ORDER BY key")

    def silent(self) -> list[sqlite3.Row]:
        """Ended executions whose end was not yet told."""
        return self._all("SELECT * FROM workflow_executions WHERE announced = 0 ORDER BY key")

    def children(self, key: int, path: str) -> list[sqlite3.Row]:
        return self._all(
            "SELECT * FROM workflow_executions WHERE parent_key = ? AND parent_path = ? ORDER BY key",
            key,
            path,
        )

    def frames(self, key: int) -> dict[str, dict[str, Any]]:
        rows = self._all("SELECT path, data FROM workflow_frames WHERE execution = ?", key)
        return {row["path"]: json.loads(row["data"]) for row in rows}

    def items(self, key: int) -> dict[str, list[Any]]:
        rows = self._all("SELECT path, items FROM workflow_items WHERE execution = ?", key)
        return {row["path"]: json.loads(row["items"]) for row in rows}

    def history(self, key: int) -> list[list[Any]]:
        rows = self._all("SELECT events FROM workflow_history WHERE execution = ? ORDER BY row", key)
        return [event for row in rows for event in json.loads(row["events"])]

    def token_exists(self, token: str) -> bool:
        return self._maybe("SELECT 1 FROM workflow_tokens WHERE token = ?", token) is not None

    def events_written(self, key: int) -> int:
        """The number of the last history event on disk."""
        row = self._maybe(
            "SELECT json_extract(events, '$[#-1][0]') FROM workflow_history"
            " WHERE execution = ? ORDER BY row DESC LIMIT 1",
            key,
        )
        return int(row[0]) if row is not None else 0

    def redriven(self, key: int, moment: float, deadline: float | None) -> None:
        """Mark an ended execution as running again."""
        self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE workflow_executions SET status = 'RUNNING', stopped = NULL, output = NULL,"
                    " error = NULL, cause = NULL, redrives = redrives + 1, redriven = ?, deadline = ?,"
                    " announced = 1 WHERE key = ?",
                    (moment, deadline, key),
                )
                and None
            )
        )

    def _all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self._database.reader().execute(statement, values).fetchall()

    def _maybe(self, statement: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.reader().execute(statement, values).fetchone()
        return row

    def _one(self, statement: str, *values: Any) -> sqlite3.Row:
        row = self._maybe(statement, *values)
        if row is None:
            raise LookupError("no such row")
        return row


def insertion(execution: Execution) -> str:
    """The row of a new execution."""
    parent = list(execution.parent) if execution.parent is not None else [None, None, None]
    head = [execution.key, execution.id, execution.name, execution.machine.name, execution.machine.digest]
    tail = [execution.started, execution.deadline, *parent]
    return f"{json.dumps(head)[:-1]},{execution.input.text},{json.dumps(tail)[1:]}"
