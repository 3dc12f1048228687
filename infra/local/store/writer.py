"""What the writer thread does with the writes of the store: their conditions, their rows, their stream."""

import sqlite3
from dataclasses import dataclass

from infra.local.store import items, updates
from infra.local.store.conditions import holds
from infra.local.store.layout import Layout, Row
from infra.local.store.stream import Change, Stream
from usher.ports.clock import Clock
from usher.ports.store import Check, ConditionFailed, Delete, Item, Put, Update, Write

ROWS_PER_STATEMENT = 64


@dataclass(slots=True)
class Step:
    """One write, made ready outside the writer thread."""

    write: Write
    layout: Layout
    stream: Stream | None
    key: Row
    text: str = ""  # a Put's item
    row: Row = ()
    creates: bool = False  # a Put of an item that must not exist yet: one statement does both


class _Exists(Exception):
    """An item that a group of writes would create is there already."""


class Writer:
    """Its methods run in the writer thread, inside a transaction; raising undoes all of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def create(self, connection: sqlite3.Connection, group: list[list[Step]]) -> None:
        """What only creates items, of all its callers, a statement per table."""
        if len(group) == 1:
            outcome = self.apply(connection, group[0])  # says whose condition failed, and on what
            if isinstance(outcome, ConditionFailed):
                raise outcome
            return
        rows: dict[Layout, list[Row]] = {}
        for steps in group:
            for step in steps:
                rows.setdefault(step.layout, []).append(step.row)
        for layout, all_rows in rows.items():
            for start in range(0, len(all_rows), ROWS_PER_STATEMENT):
                some = all_rows[start : start + ROWS_PER_STATEMENT]
                values = [value for row in some for value in row]
                if connection.execute(layout.insert_many(len(some)), values).rowcount < len(some):
                    raise _Exists

    def apply(self, connection: sqlite3.Connection, steps: list[Step]) -> list[Item | None] | ConditionFailed:
        """All of the writes or none. Every condition is looked at, for `failed`.

        A condition that fails before anything was changed is returned and not raised: raising would make the
        neighbours in the commit begin anew, and losing a race for a row is daily business.
        """
        results: list[Item | None] = []
        failed: dict[int, Item | None] = {}
        for position, step in enumerate(steps):
            write = step.write
            if isinstance(write, Put) and step.creates and not failed:
                if connection.execute(step.layout.insert, step.row).rowcount:
                    self._record(connection, step, None, step.text)
                    results.append(dict(write.item))
                    continue
            elif write.if_ is None and not failed and step.stream is None and not isinstance(write, Update):
                results.append(self._change(connection, step, None, None))
                continue
            found = connection.execute(step.layout.select, step.key).fetchone()
            old = found[0] if found else None
            item = items.decode(old) if old is not None else None
            if write.if_ is not None and not holds(write.if_, item):
                failed[position] = item
            elif not failed:
                results.append(self._change(connection, step, old, item))
        if failed:
            tables = ", ".join(sorted({steps[position].write.table for position in failed}))
            failure = ConditionFailed(f"a condition did not hold in {tables}", failed)
            if results:
                raise failure
            return failure
        return results

    def _change(
        self, connection: sqlite3.Connection, step: Step, old: str | None, item: Item | None
    ) -> Item | None:
        write, layout = step.write, step.layout
        if isinstance(write, Check):
            return None
        if isinstance(write, Delete):
            connection.execute(layout.delete, step.key)
            self._record(connection, step, old, None)
            return None
        if isinstance(write, Update):
            new = updates.applied(write, dict(write.key) if item is None else item)
            text = items.encode_checked(new)
            if old is not None:
                connection.execute(*layout.update(new, text, (*write.set, *write.add, *write.remove)))
                self._record(connection, step, old, text)
                return new
            row = layout.row(new, text)
        else:
            new, text, row = dict(write.item), step.text, step.row
        connection.execute(layout.upsert, row)
        self._record(connection, step, old, text)
        return new

    def _record(self, connection: sqlite3.Connection, step: Step, old: str | None, text: str | None) -> None:
        if step.stream is None or old == text:  # a write that changes nothing leaves no record
            return
        change: Change = "REMOVE" if text is None else "INSERT" if old is None else "MODIFY"
        step.stream.append(connection, change, step.key, text, self._clock.wall().timestamp())
