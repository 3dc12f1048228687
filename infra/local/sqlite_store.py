"""The store port on SQLite: DynamoDB's semantics, durable on one machine, serial through one writer."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from infra import catalog
from infra.local.commit_group import Part
from infra.local.database import Database
from infra.local.store import items, updates
from infra.local.store.layout import Layout, Row
from infra.local.store.stream import Stream
from infra.local.store.writer import Step, Writer
from usher.adapters import cursors
from usher.domain.errors import InvalidCommand, StoreUnavailable
from usher.ports.clock import Clock
from usher.ports.store import (
    MAX_TRANSACTION,
    Absent,
    AtLeast,
    AtMost,
    BeginsWith,
    ConditionFailed,
    Delete,
    Equals,
    Item,
    Key,
    Page,
    Put,
    SortCondition,
    StoreRefused,
    Update,
    Write,
)

T = TypeVar("T")

MAX_PAGE = 1024 * 1024  # where DynamoDB ends a page of a query
MAX_TRANSACTION_SIZE = 4 * 1024 * 1024
EXPIRED_PER_COMMIT = 500  # a sweep shares the writer with everybody else
KEYS_PER_STATEMENT = 250
LAST = "\U0010ffff"  # sorts behind every text


class SqliteStore:
    """Implements usher.ports.store.Store for these tables of the catalog."""

    def __init__(self, database: Database, tables: tuple[catalog.Table, ...], clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._layouts = {table.name: Layout(table) for table in tables}
        self._streams = {
            table.name: Stream(database, self._layouts[table.name]) for table in tables if table.streamed
        }
        writer = Writer(clock)
        self._apply = writer.apply
        self._creations = database.gathered(writer.create)
        database.write(self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for layout in self._layouts.values():
            layout.prepare(connection)
        for stream in self._streams.values():
            stream.prepare(connection)

    def stream(self, table: str) -> Stream:
        """The stream of changes of a streamed table. Raises KeyError when the catalog does not stream it."""
        return self._streams[table]

    # -- the Store port ------------------------------------------------------------------------------------

    def get(self, table: str, key: Key) -> Item | None:
        layout = self._layout(table)
        row = next(self._read(layout.select, layout.key(key)), None)
        return None if row is None else items.decode(row[0])

    def get_all(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        layout = self._layout(table)
        rows = [layout.key(key) for key in keys]
        found: dict[Row, str] = {}
        for start in range(0, len(rows), KEYS_PER_STATEMENT):
            part = rows[start : start + KEYS_PER_STATEMENT]
            values = [value for row in part for value in row]
            for *key, text in self._read(layout.select_many(len(part)), tuple(values)):
                found[tuple(key)] = text
        return [items.decode(found[row]) if row in found else None for row in rows]

    def write(self, write: Put | Update | Delete) -> Item | None:
        return self._commit([self._ready(write)])[0]

    def transact(self, writes: Sequence[Write]) -> None:
        if len(writes) > MAX_TRANSACTION:
            raise StoreRefused(f"a transaction takes {MAX_TRANSACTION} writes, not {len(writes)}")
        steps = [self._ready(write) for write in writes]
        if len({(step.write.table, step.key) for step in steps}) < len(steps):
            raise StoreRefused("a transaction writes each item once; merge the writes to one item")
        if sum(len(step.text) for step in steps) > MAX_TRANSACTION_SIZE:
            raise StoreRefused("the items of a transaction exceed 4 MB; write them in several")
        if steps:
            self._commit(steps)

    def creation(self, writes: Sequence[Put]) -> Part | None:
        """What a commit takes to do these writes, all or none, beside others'; None unless all only create.

        Raises StoreRefused at once, and lets the commit fail with ConditionFailed.
        """
        steps = [self._ready(write) for write in writes]
        only_creates = all(step.creates and step.stream is None for step in steps)
        return (self._creations, steps) if only_creates else None

    def query(
        self,
        table: str,
        partition: Equals,
        *,
        index: str | None = None,
        sort: SortCondition | None = None,
        limit: int = 100,
        cursor: str | None = None,
        descending: bool = False,
    ) -> Page:
        if limit < 1:
            raise StoreRefused(f"a page holds at least 1 item, not {limit}")
        layout = self._layout(table)
        path = layout.path(index, partition, sort)
        bound, values = _bound(sort)
        parameters = [partition.value, *values]
        if cursor is not None:
            position = cursors.decode(cursor, partition)
            if position.keys() != path.attributes:
                raise InvalidCommand("cursor: belongs to another query; start again without it")
            parameters += [position[attribute] for _, attribute in path.order]
        sql = layout.query(path, bound, cursor is not None, descending)
        found: list[Item] = []
        size = 0
        for (text,) in self._read(sql, (*parameters, limit)):
            size += len(text)
            if found and size > MAX_PAGE:
                break
            found.append(items.decode(text))
        ended = not found or (len(found) < limit and size <= MAX_PAGE)
        if path.holds is not None:
            found = [{k: v for k, v in item.items() if k in path.holds} for item in found]
        if ended:
            return Page(found)
        return Page(found, cursors.encode({name: found[-1][name] for name in sorted(path.attributes)}))

    # -- time to live --------------------------------------------------------------------------------------

    def expire(self) -> int:
        """Delete what expired by wall time, some hundred items per table; returns how many (0: all are gone).

        The runner's timer calls it. Like DynamoDB's it comes late: until then reads see expired items. Wall
        time, because powertools' idempotency records expire by it and a sped-up clock must not forget them.
        """
        now = int(self._clock.wall().timestamp())
        return sum(self._expire(layout, now) for layout in self._layouts.values() if layout.table.expires)

    def _expire(self, layout: Layout, now: int) -> int:
        columns = ",".join(layout.key_columns)
        sql = f"SELECT {columns} FROM {layout.name} WHERE expires<=? LIMIT {EXPIRED_PER_COMMIT}"
        if next(self._read(sql, (now,)), None) is None:
            return 0
        stream = self._streams.get(layout.table.name)

        def sweep(connection: sqlite3.Connection) -> int:
            keys = [tuple(row) for row in connection.execute(sql, (now,))]
            connection.executemany(layout.delete, keys)
            if stream is not None:
                for key in keys:
                    stream.append(connection, "REMOVE", key, None, now)
            return len(keys)

        return self._written(lambda: self._database.write(sweep), {stream} if stream else set())

    # -- inside --------------------------------------------------------------------------------------------

    def _layout(self, table: str) -> Layout:
        layout = self._layouts.get(table)
        if layout is None:
            raise KeyError(f"infra/catalog.py lists no table {table}")
        return layout

    def _read(self, sql: str, parameters: Row) -> Iterator[Any]:
        try:
            yield from self._database.reader().execute(sql, parameters)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    def _written(self, write: Callable[[], T], streams: set[Stream]) -> T:
        try:
            result = write()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be written: {error}") from error
        for stream in streams:
            stream.notify()
        return result

    def _ready(self, write: Write) -> Step:
        layout = self._layout(write.table)
        stream = self._streams.get(write.table)
        if isinstance(write, Put):
            text = items.encode(write.item)
            row = layout.row(write.item, text)
            creates = write.if_ == Absent(layout.table.partition)
            return Step(write, layout, stream, row[: len(layout.key_columns)], text, row, creates)
        step = Step(write, layout, stream, layout.key(write.key))
        if isinstance(write, Update):
            updates.check(write, layout)
        return step

    def _commit(self, steps: list[Step]) -> list[Item | None]:
        if all(step.creates and step.stream is None for step in steps):
            self._written(lambda: self._creations.write(steps), set())
            return [dict(step.write.item) for step in steps if isinstance(step.write, Put)]
        outcome = self._written(
            lambda: self._database.write(lambda connection: self._apply(connection, steps)),
            {step.stream for step in steps if step.stream},
        )
        if isinstance(outcome, ConditionFailed):
            raise outcome
        return outcome


def _bound(sort: SortCondition | None) -> tuple[str, tuple[Any, ...]]:
    if sort is None:
        return "", ()
    if isinstance(sort, BeginsWith):
        return "BETWEEN ? AND ?", (sort.prefix, sort.prefix + LAST)
    if isinstance(sort, AtMost):
        return "<=?", (sort.value,)
    if isinstance(sort, AtLeast):
        return ">=?", (sort.value,)
    return "=?", (sort.value,)
