"""What a stand-in remembers: vendor objects as JSON rows in one SQLite file, durable across kill -9.

A stand-in runs in one thread, so a plain connection is enough. `synchronous=NORMAL` with WAL survives the
death of the process at any moment; only a power cut may take the last commits.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Object = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,
    owner TEXT, label TEXT, json TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS object_by_id ON objects (kind, id);
CREATE INDEX IF NOT EXISTS object_by_created ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS object_by_owner ON objects (kind, owner, created, seq) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_label ON objects (kind, label, created, seq) WHERE label IS NOT NULL;
CREATE TABLE IF NOT EXISTS counts (
    operation TEXT PRIMARY KEY, calls INTEGER NOT NULL, effects INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, json TEXT NOT NULL);
"""
PUT = """
INSERT INTO objects (kind, id, created, owner, label, json) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, label = excluded.label, json = excluded.json
"""
CHECKPOINT_PAGES = 8000  # SQLite's 1,000 would have a busy stand-in copy its log back every few calls
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
Row = tuple[str, str, int, str | None, str | None, str]


def as_text(value: Any) -> str:
    """`value` as compact JSON."""
    return _ENCODE(value)


class State:
    """Objects by kind and id, plus counts per operation and a few named notes.

    Args:
        path: the SQLite file, or ":memory:" for a stand-in that forgets.
    """

    def __init__(self, path: Path | str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute("PRAGMA cache_size=-32000")
        self.connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self.connection.executescript(SCHEMA)
        self.writes = 0
        self._calls: dict[str, int] = {}
        # this transaction's puts: only the last one of an object is written
        self._unwritten: dict[tuple[str, str], Row] = {}
        self._in_transaction = False

    def close(self) -> None:
        """Write the pending counts and close the file."""
        self.flush_counts()
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of the block or, when it raises, none of them."""
        self.connection.execute("BEGIN IMMEDIATE")
        self._in_transaction = True
        try:
            yield
            self._write_puts()
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        else:
            self.connection.execute("COMMIT")
        finally:
            self._unwritten.clear()
            self._in_transaction = False

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: undo only this block when it raises."""
        self._write_puts()
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._unwritten.clear()
            self.connection.execute("ROLLBACK TO part")
            self.connection.execute("RELEASE part")
            raise
        self.connection.execute("RELEASE part")

    def put(
        self,
        kind: str,
        value: Object,
        *,
        owner: str | None = None,
        label: str | None = None,
        created: int | None = None,
        text: str | None = None,
    ) -> None:
        """Insert or replace the object `value["id"]`.

        Args:
            owner, label: what `page` and `find` can select by (a customer's id, an e-mail, a key).
            created: epoch seconds; `value["created"]` when left out.
            text: `value` as JSON, when the caller has it already.
        """
        self.writes += 1
        at = created if created is not None else int(value.get("created") or 0)
        row = (kind, value["id"], at, owner, label, text if text is not None else as_text(value))
        if self._in_transaction:
            self._unwritten[kind, row[1]] = row
        else:
            self.connection.execute(PUT, row)

    def _write_puts(self, kind: str | None = None) -> None:
        """Hand the transaction's puts, of one kind or all, to SQLite, which has to know them to list them."""
        if not self._unwritten:
            return
        rows = [row for row in self._unwritten.values() if kind in (None, row[0])]
        self.connection.executemany(PUT, rows)
        for row in rows:
            del self._unwritten[row[0], row[1]]

    def get(self, kind: str, id: str) -> Object | None:
        """The object, or None."""
        text = self.text(kind, id)
        return json.loads(text) if text is not None else None

    def text(self, kind: str, id: str) -> str | None:
        """The object as JSON, or None."""
        if unwritten := self._unwritten.get((kind, id)):
            return unwritten[5]
        row = self.connection.execute(
            "SELECT json FROM objects WHERE kind = ? AND id = ?", (kind, id)
        ).fetchone()
        return row[0] if row else None

    def delete(self, kind: str, id: str) -> bool:
        """Forget the object; False when there was none."""
        self.writes += 1
        self._write_puts(kind)
        done = self.connection.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, id))
        return done.rowcount > 0

    def find(self, kind: str, label: str) -> Object | None:
        """The newest object with this label, or None."""
        found = self.page(kind, label=label, limit=1)
        return found[0] if found else None

    def page(
        self,
        kind: str,
        *,
        owner: str | None = None,
        label: str | None = None,
        created: dict[str, int] | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> list[Object]:
        """Objects of a kind, newest first unless told otherwise.

        Args:
            created: bounds by SQL operator, for example `{">=": 1700000000}`.
            after, before: ids; only what follows, or precedes, that object in the listing's order.
                A `before` page is the one next to that object.
        """
        self._write_puts(kind)
        where: list[str] = ["kind = ?"]
        values: list[Any] = [kind]
        for column, wanted in (("owner", owner), ("label", label)):
            if wanted is not None:
                where.append(f"{column} = ?")
                values.append(wanted)
        for operator, bound in (created or {}).items():
            where.append(f"created {operator} ?")
            values.append(bound)
        descending = not oldest_first
        for cursor, follows in ((after, True), (before, False)):
            if cursor is not None:
                where.append(
                    f"(created, seq) {'<' if descending == follows else '>'} "
                    "(SELECT created, seq FROM objects WHERE kind = ? AND id = ?)"
                )
                values += [kind, cursor]
        backwards = before is not None and after is None
        order = "DESC" if descending != backwards else "ASC"
        sql = f"SELECT json FROM objects WHERE {' AND '.join(where)} ORDER BY created {order}, seq {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        rows = [json.loads(row[0]) for row in self.connection.execute(sql, values)]
        return rows[::-1] if backwards else rows

    def census(self) -> dict[str, list[Object]]:
        """Every object, by kind, oldest first."""
        held: dict[str, list[Object]] = {}
        for kind, text in self.connection.execute(
            "SELECT kind, json FROM objects ORDER BY kind, created, seq"
        ):
            held.setdefault(kind, []).append(json.loads(text))
        return held

    def clear(self) -> None:
        """Forget everything: objects, counts, notes and what a vendor keeps in tables of its own."""
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        with self.transaction():
            for (table,) in self.connection.execute(tables).fetchall():
                self.connection.execute(f"DELETE FROM {table}")
        self._calls.clear()

    def note(self, name: str) -> Any:
        """The value kept under `name`, or None."""
        row = self.connection.execute("SELECT json FROM notes WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def keep_note(self, name: str, value: Any) -> None:
        """Keep a JSON value under `name`."""
        self.connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def count_call(self, operation: str) -> None:
        """Count a call; written with the next effect or flush, so that reads cost no write."""
        self._calls[operation] = self._calls.get(operation, 0) + 1

    def count_effect(self, operation: str) -> None:
        """Count an effect inside the transaction that has it."""
        self.connection.execute(
            "INSERT INTO counts VALUES (?, 0, 1) ON CONFLICT DO UPDATE SET effects = effects + 1",
            (operation,),
        )

    def flush_counts(self) -> None:
        """Write the calls counted since the last flush."""
        pending, self._calls = self._calls, {}
        self.connection.executemany(
            "INSERT INTO counts VALUES (?, ?, 0) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls",
            list(pending.items()),
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Calls and effects by operation."""
        self.flush_counts()
        rows = self.connection.execute("SELECT operation, calls, effects FROM counts ORDER BY operation")
        return {operation: {"calls": calls, "effects": effects} for operation, calls, effects in rows}
