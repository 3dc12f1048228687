"""What one commit of the database does: everybody's work at once, or one by one when something fails."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[sqlite3.Connection], T]
Done = Callable[[BaseException | None], None]
Settled: TypeAlias = "Future[Any] | Outcome[Any]"
Settlement: TypeAlias = list[tuple[Done, BaseException | None]]
Batches: TypeAlias = "dict[Batch[Any], list[tuple[Any, Done]]]"


class Batch(Generic[Item]):
    """Many small writes of one kind, those of a commit written by few statements, at best one.

    A statement costs a hand-over of the interpreter's lock, there and back; with busy threads around, these
    and not SQLite are the price of a write. One statement is also atomic by itself, so a group that holds
    nothing else is committed by it alone.
    """

    def __init__(
        self,
        put: Callable[[tuple[Any, ...]], None],
        apply: Callable[[sqlite3.Connection, list[Item]], object],
        *,
        is_one_statement: bool,
    ) -> None:
        self._put = put
        self.apply = apply
        self.is_one_statement = is_one_statement

    def submit(self, item: Item, done: Done) -> None:
        """Queue `item` for the next commit, in order; `done(error or None)` runs on the writer's thread
        once it is durable or has failed, and must be short. Of a closed file it learns here and at once."""
        try:
            self._put((self, item, done))
        except RuntimeError as error:
            done(error)

    def write(self, item: Item) -> None:
        """`submit` and wait until the item is durable; raises what it failed with."""
        outcome = Outcome[None]()
        self._put((self, item, settler(outcome, None)))
        outcome.result()


Part: TypeAlias = tuple[Batch[Any], Any]  # an item and the batch that it belongs to
Joined: TypeAlias = list[tuple[tuple[Part, ...], Settled]]


def commit(connection: sqlite3.Connection, group: list[Any]) -> None:
    """Write the entries of one commit and tell each of its end. On the writer's thread.

    An entry is (work, outcome), (batch, item, done) or (parts, outcome), parts being items of batches.
    """
    batches: Batches = {}
    works: list[tuple[Work[Any], Settled]] = []
    joined: Joined = []
    for entry in group:
        if isinstance(entry[0], Batch):
            batches.setdefault(entry[0], []).append(entry[1:])
        elif isinstance(entry[0], tuple):
            joined.append(entry)
        else:
            works.append(entry)
    try:
        if not works and not joined and len(batches) == 1 and _committed_alone(connection, batches):
            settle: Settlement = [(entry[2], None) for entry in group]
        else:
            settle = _together(connection, works, joined, batches) or _one_by_one(
                connection, works, joined, batches
            )
    except sqlite3.Error as error:  # the commit itself failed (disk full, I/O error): nothing is stored
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        settle = [(settler(e[1], None) if len(e) == 2 else e[2], error) for e in group]
    for done, failure in settle:
        done(failure)


class Outcome(Generic[T]):
    """What one thread waits for: a Future without its condition, callbacks and states, which cost more than a
    small write."""

    __slots__ = ("_ended", "_failure", "_result")

    def __init__(self) -> None:
        self._ended = threading.Lock()
        self._ended.acquire()
        self._failure: BaseException | None = None

    def set_result(self, result: T) -> None:
        self._result = result
        self._ended.release()

    def set_exception(self, failure: BaseException) -> None:
        self._failure = failure
        self._ended.release()

    def result(self) -> T:
        self._ended.acquire()
        if self._failure is not None:
            raise self._failure
        return self._result


def _together(
    connection: sqlite3.Connection,
    works: list[tuple[Work[Any], Settled]],
    joined: Joined,
    batches: Batches,
) -> Settlement:
    """Commit everything as if nothing could fail; empty, with nothing stored, when something did.

    It spares each work a savepoint, two statements that cost as much as the work itself.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        settle: Settlement = [(settler(outcome, work(connection)), None) for work, outcome in works]
        gathered: dict[Batch[Any], list[Any]] = {}
        for parts, outcome in joined:
            for batch, item in parts:
                gathered.setdefault(batch, []).append(item)
            settle.append((settler(outcome, None), None))
        for batch, items in batches.items():
            gathered.setdefault(batch, []).extend(item for item, _ in items)
            settle += [(done, None) for _, done in items]
        for batch, all_items in gathered.items():
            batch.apply(connection, all_items)
    except Exception:  # noqa: BLE001 - the long way finds out whose fault it is, and tells them
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return []
    connection.execute("COMMIT")
    return settle


def _one_by_one(
    connection: sqlite3.Connection,
    works: list[tuple[Work[Any], Settled]],
    joined: Joined,
    batches: Batches,
) -> Settlement:
    """Commit everything that does not fail by itself."""
    settle: Settlement = []
    connection.execute("BEGIN IMMEDIATE")
    for work, outcome in works:
        result, failure = _attempt(connection, work)
        settle.append((settler(outcome, result), failure))
    for parts, outcome in joined:
        _, failure = _attempt(connection, partial(_write_parts, parts))
        settle.append((settler(outcome, None), failure))
    for batch, items in batches.items():
        settle += _apply(connection, batch, items)
    connection.execute("COMMIT")
    return settle


def _write_parts(parts: tuple[Part, ...], connection: sqlite3.Connection) -> None:
    for batch, item in parts:
        batch.apply(connection, [item])


def _committed_alone(connection: sqlite3.Connection, batches: Batches) -> bool:
    """Whether the only batch's statement could be its own transaction; if not, nothing of it is stored."""
    ((batch, items),) = batches.items()
    if not batch.is_one_statement:
        return False
    try:
        batch.apply(connection, [item for item, _ in items])
    except sqlite3.Error:
        return False  # the long way finds out whose fault it is
    return True


def settler(outcome: Settled, result: Any) -> Done:
    def done(failure: BaseException | None) -> None:
        if failure is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(failure)

    return done


def _apply(connection: sqlite3.Connection, batch: Batch[Any], items: list[tuple[Any, Done]]) -> Settlement:
    _, failure = _attempt(connection, lambda c: batch.apply(c, [item for item, _ in items]))
    if failure is None or len(items) == 1:
        return [(done, failure) for _, done in items]
    return [outcome for pair in items for outcome in _apply(connection, batch, [pair])]


def _attempt(connection: sqlite3.Connection, work: Work[Any]) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT work")
    try:
        result = work(connection)
    except Exception as error:  # noqa: BLE001 - handed to the caller through its future
        connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return None, error
    connection.execute("RELEASE work")
    return result, None
