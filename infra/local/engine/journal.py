"""The engine's tables: frontiers, history and outcomes, written a whole commit group at a time.

A group of transitions becomes one INSERT into a view whose trigger spreads it over the tables: one hand-over
to SQLite, which then works without the interpreter's lock while other threads compute.
"""

import json
import sqlite3
from typing import Any

from infra.local.commit_group import Batch, Done
from infra.local.database import Database
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
    row INTEGER PRIMARY KEY, execution INTEGER NOT NULL, moment REAL NOT NULL, events TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS workflow_history_execution ON workflow_history (execution);
CREATE TABLE IF NOT EXISTS workflow_tokens (
    token TEXT PRIMARY KEY, execution INTEGER NOT NULL
) WITHOUT ROWID;
"""

# One row put into this view writes a whole commit group: each column is a JSON array of rows for one table.
_COMMIT = """
CREATE TEMP VIEW IF NOT EXISTS workflow_commit AS
SELECT NULL AS started, NULL AS history, NULL AS dropped, NULL AS frames, NULL AS items, NULL AS tokens,
    NULL AS redriven, NULL AS ended, NULL AS cleared, NULL AS announced
"""
_APPLY = """
CREATE TEMP TRIGGER IF NOT EXISTS workflow_commit_apply INSTEAD OF INSERT ON workflow_commit BEGIN
    INSERT INTO workflow_executions (key, id, name, machine, digest, status, input, started, deadline,
        parent_key, parent_path, parent_mark)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, 'RUNNING', value->5, value->>6, value->>7,
        value->>8, value->>9, value->>10
    FROM json_each(NEW.started);
    INSERT INTO workflow_history (execution, moment, events)
    SELECT value->>0, value->>1, value->2 FROM json_each(NEW.history);
    DELETE FROM workflow_frames
    WHERE (execution, path) IN (SELECT value->>0, value->>1 FROM json_each(NEW.dropped));
    INSERT OR REPLACE INTO workflow_frames (execution, path, data)
    SELECT value->>0, value->>1, value->2 FROM json_each(NEW.frames);
    INSERT OR REPLACE INTO workflow_items (execution, path, items)
    SELECT value->>0, value->>1, value->2 FROM json_each(NEW.items);
    INSERT OR IGNORE INTO workflow_tokens SELECT value->>0, value->>1 FROM json_each(NEW.tokens);
    UPDATE workflow_executions
    SET status = 'RUNNING', stopped = NULL, output = NULL, error = NULL, cause = NULL,
        redrives = redrives + 1, redriven = row.value->>1, deadline = row.value->>2, announced = 1
    FROM json_each(NEW.redriven) AS row WHERE workflow_executions.key = row.value->>0;
    UPDATE workflow_executions
    SET status = row.value->>1, output = row.value->2, error = row.value->3, cause = row.value->4,
        stopped = row.value->>5, events = row.value->>6, announced = row.value->>7
    FROM json_each(NEW.ended) AS row WHERE workflow_executions.key = row.value->>0;
    DELETE FROM workflow_items WHERE execution IN (SELECT value FROM json_each(NEW.cleared));
    UPDATE workflow_executions SET announced = 1 WHERE key IN (SELECT value FROM json_each(NEW.announced));
END
"""


class Entry:
    """What one transition writes; texts are JSON."""

    __slots__ = (
        "announced",
        "clear",
        "end",
        "events",
        "frames",
        "insert",
        "items",
        "key",
        "moment",
        "redriven",
        "tokens",
    )

    def __init__(self, key: int, moment: float = 0.0) -> None:
        self.key = key
        self.moment = moment
        self.insert: str | None = None
        self.redriven: str | None = None
        self.end: str | None = None
        self.clear = False
        self.announced = False
        self.events: list[str] = []
        self.frames: dict[str, str | None] = {}  # path -> frame, None to drop it
        self.items: list[str] = []
        self.tokens: list[str] = []

    def is_empty(self) -> bool:
        """A resumed wait changes nothing on disk."""
        return not (self.insert or self.end or self.events or self.frames or self.items or self.tokens)


def _rows(entries: list[Entry]) -> list[str | None]:
    """The columns of the commit view; of several writes to one frame the last holds."""
    frames = {(entry.key, path): text for entry in entries for path, text in entry.frames.items()}
    return [
        _array([entry.insert for entry in entries if entry.insert]),
        _array(
            [
                f"[{entry.key},{entry.moment:.3f},[{','.join(entry.events)}]]"
                for entry in entries
                if entry.events
            ]
        ),
        _array([f'[{key},"{path}"]' for (key, path), text in frames.items() if text is None]),
        _array([f'[{key},"{path}",{text}]' for (key, path), text in frames.items() if text]),
        _array([text for entry in entries for text in entry.items]),
        _array([f'["{token}",{entry.key}]' for entry in entries for token in entry.tokens]),
        _array([entry.redriven for entry in entries if entry.redriven]),
        _array([entry.end for entry in entries if entry.end]),
        _array([str(entry.key) for entry in entries if entry.clear]),
        _array([str(entry.key) for entry in entries if entry.announced]),
    ]


def _array(rows: list[str]) -> str | None:
    return f"[{','.join(rows)}]" if rows else None


def _create(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute(_COMMIT)
    connection.execute(_APPLY)


class Journal:
    """Writes entries in groups and reads executions back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.write(_create)
        self._batch: Batch[Entry] = database.batch(
            "INSERT INTO workflow_commit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows
        )

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

    def known(self, id: str) -> bool:
        return self._maybe("SELECT 1 FROM workflow_executions WHERE id = ?", id) is not None

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
        """Events as [number, previous, moment, type, details]."""
        rows = self._all("SELECT moment, events FROM workflow_history WHERE execution = ? ORDER BY row", key)
        return [
            [number, previous, row["moment"], kind, details]
            for row in rows
            for number, previous, kind, details in json.loads(row["events"])
        ]

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


def redriving(execution: Execution, moment: float) -> str:
    """What marks an ended execution as running again."""
    return json.dumps([execution.key, moment, execution.deadline])
