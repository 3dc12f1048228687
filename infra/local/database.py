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
from typing import Any

from infra.local.commit_group import Batch, Item, Outcome, Part, T, Work, commit

_STOP = object()
# How long another process may hold the file. A write may wait four times as long (twice for the commit before
# its own), and has to come back before its function's time is over: a refusal is an answer, a time-out none.
BUSY_SECONDS = 2.0
MAX_GROUP = 256  # work items per commit: large enough to share an fsync, small enough to bound latency


class Database:
    """A SQLite file shared by the threads of one process.

    Args:
        path: the file; its folder must exist.
        synchronous: SQLite's durability level. FULL (the default) survives power loss; NORMAL survives
            the death of the process and is enough for vendor stand-ins.
        busy_seconds: how long a write waits for another process that holds the file, before it fails.
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL", busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
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
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=self._busy_seconds
        )
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
        outcome = Outcome[T]()
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

    def write_together(self, *parts: Part) -> None:
        """Write items of several batches, all or none, and wait; raises what one of them failed with.

        They share the statements of their batches with everybody else's items in the commit.
        """
        outcome = Outcome[None]()
        self._put((parts, outcome))
        outcome.result()

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
                commit(self._writer_connection, entries)


@contextlib.contextmanager
def opened(path: Path, *, synchronous: str = "FULL") -> Iterator[Database]:
    """A `Database` that is closed when the block ends."""
    database = Database(path, synchronous=synchronous)
    try:
        yield database
    finally:
        database.close()
