"""One SQLite file with one writer thread that commits many callers' work in one fsync (group commit).

Everything durable on one machine (store, queues, engine, blobs) goes through `Database.write`; a write
that returned is on disk. Reads use a connection per thread and never wait for the writer (WAL mode).
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_STOP = object()
MAX_GROUP = 256  # work items per commit: large enough to share an fsync, small enough to bound latency


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
        out of its future, and its neighbours in the same commit are not touched.
        """
        if self._closed:
            raise RuntimeError(f"{self.path.name} is closed")
        future: Future[T] = Future()
        self._work.put((work, future))
        return future

    def write(self, work: Work[T]) -> T:
        """`submit` and wait: returns what `work` returned, once it is durable."""
        return self.submit(work).result()

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
        if self._closed:
            return
        self._closed = True
        self._work.put(_STOP)
        self._thread.join()
        self._writer_connection.close()
        with self._readers_lock:
            for connection in self._readers:
                connection.close()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group = [self._work.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < MAX_GROUP:
                    group.append(self._work.get_nowait())
            stopping = _STOP in group
            self._commit([item for item in group if item is not _STOP])

    def _commit(self, group: list[tuple[Work[Any], "Future[Any]"]]) -> None:
        connection, outcomes = self._writer_connection, []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future in group:
                outcomes.append((future, *_attempt(connection, work)))
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # the commit itself failed (disk full, I/O error): nothing is stored
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for _, future in group:
                future.set_exception(error)
            return
        for future, result, failure in outcomes:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


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
