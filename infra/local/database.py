"""One SQLite file with one writer thread that commits many callers' work in one fsync (group commit).

Everything durable on one machine (store, queues, engine, blobs) goes through `Database.write`; a write
that returned is on disk. Reads use a connection per thread and never wait for the writer (WAL mode).
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[sqlite3.Connection], T]
Done = Callable[[BaseException | None], None]
Settled: TypeAlias = "Future[Any] | _Outcome[Any]"
Settlement: TypeAlias = list[tuple[Done, BaseException | None]]
Batches: TypeAlias = "dict[Batch[Any], list[tuple[Any, Done]]]"

_STOP = object()
MAX_GROUP = 256  # work items per commit: large enough to share an fsync, small enough to bound latency


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
        outcome = _Outcome[None]()
        self._put((self, item, _settler(outcome, None)))
        outcome.result()


class Database:
    """A SQLite file shared by the threads of one process.

    Args:
        path: the file; its folder must exist.
        synchronous: SQLite's durability level. FULL (the default) survives power loss; NORMAL survives
            the death of the process and is enough for vendor stand-ins.
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        self.path = path
        self._synchronous = synchronous
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._writer_connection = self._connect()
        self._closed = False
        self._closing = threading.Lock()  # nothing is queued behind the order to stop
        self._thread = threading.Thread(target=self._run, name=f"writer:{path.name}", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute("PRAGMA cache_size=-32000")
        return connection

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue `work(connection)` for the next commit; the future resolves once it is durable.

        Each piece of work is atomic: when it raises, its own changes are undone, the exception comes
        out of its future, and its neighbours in the same commit are not touched. For that it may be run a
        second time, so it changes nothing but the database. Raises RuntimeError when the file is closed.
        """
        future: Future[T] = Future()
        self._put((work, future))
        return future

    def write(self, work: Work[T]) -> T:
        """`submit` and wait: returns what `work` returned, once it is durable."""
        outcome = _Outcome[T]()
        self._put((work, outcome))
        return outcome.result()

    def batch(self, statement: str, parameters: Callable[[list[Item]], Sequence[Any]]) -> Batch[Item]:
        """A kind of write whose items go into one `statement`, with the `parameters` made of all of them.

        When the statement fails, it is run again with each item alone, so that only the culprit fails.
        """
        return Batch(
            self._put,
            lambda connection, items: connection.execute(statement, parameters(items)),
            is_one_statement=True,
        )

    def gathered(self, apply: Callable[[sqlite3.Connection, list[Item]], object]) -> Batch[Item]:
        """A kind of write whose items of one commit are written together by `apply(connection, items)`.

        When it raises, it is run again with each item alone, so that only the culprit fails.
        """
        return Batch(self._put, apply, is_one_statement=False)

    def reader(self) -> sqlite3.Connection:
        """This thread's own read connection; it sees everything whose write has returned."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("PRAGMA query_only=ON")
            with self._readers_lock:
                self._readers.append(connection)
        return connection

    def close(self) -> None:
        """Commit what is queued, then close every connection."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._work.put(_STOP)
        self._thread.join()
        self._writer_connection.close()
        with self._readers_lock:
            for connection in self._readers:
                connection.close()

    def _put(self, entry: tuple[Any, ...]) -> None:
        with self._closing:
            if self._closed:
                raise RuntimeError(f"{self.path.name} is closed")
            self._work.put(entry)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group = [self._work.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < MAX_GROUP:
                    group.append(self._work.get_nowait())
            stopping = _STOP in group
            if entries := [item for item in group if item is not _STOP]:
                self._commit(entries)

    def _commit(self, group: list[Any]) -> None:
        connection = self._writer_connection
        batches: Batches = {}
        works: list[tuple[Work[Any], Settled]] = []
        for entry in group:
            if isinstance(entry[0], Batch):
                batches.setdefault(entry[0], []).append(entry[1:])
            else:
                works.append(entry)
        try:
            if not works and len(batches) == 1 and _committed_alone(connection, batches):
                settle: Settlement = [(entry[2], None) for entry in group]
            else:
                settle = _together(connection, works, batches) or _one_by_one(connection, works, batches)
        except sqlite3.Error as error:  # the commit itself failed (disk full, I/O error): nothing is stored
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            settle = [(_settler(e[1], None) if len(e) == 2 else e[2], error) for e in group]
        for done, failure in settle:
            done(failure)


class _Outcome(Generic[T]):
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
    connection: sqlite3.Connection, works: list[tuple[Work[Any], Settled]], batches: Batches
) -> Settlement:
    """Commit everything as if nothing could fail; empty, with nothing stored, when something did.

    It spares each work a savepoint, two statements that cost as much as the work itself.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        settle: Settlement = [(_settler(outcome, work(connection)), None) for work, outcome in works]
        for batch, items in batches.items():
            batch.apply(connection, [item for item, _ in items])
            settle += [(done, None) for _, done in items]
    except Exception:  # noqa: BLE001 - the long way finds out whose fault it is, and tells them
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return []
    connection.execute("COMMIT")
    return settle


def _one_by_one(
    connection: sqlite3.Connection, works: list[tuple[Work[Any], Settled]], batches: Batches
) -> Settlement:
    """Commit everything that does not fail by itself."""
    settle: Settlement = []
    connection.execute("BEGIN IMMEDIATE")
    for work, outcome in works:
        result, failure = _attempt(connection, work)
        settle.append((_settler(outcome, result), failure))
    for batch, items in batches.items():
        settle += _apply(connection, batch, items)
    connection.execute("COMMIT")
    return settle


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


def _settler(outcome: Settled, result: Any) -> Done:
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


@contextlib.contextmanager
def opened(path: Path, *, synchronous: str = "FULL") -> Iterator[Database]:
    """A `Database` that is closed when the block ends."""
    database = Database(path, synchronous=synchronous)
    try:
        yield database
    finally:
        database.close()
