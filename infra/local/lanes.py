"""Lanes: threads of one shared pool, a bounded number each, that take jobs when woken and go at the end."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

from infra.local.activity import RuntimeClock

J = TypeVar("J")
logger = logging.getLogger("usher.local")


class Lane(Generic[J]):
    """Works jobs with at most `limit` threads; nothing polls, `wake` says that there may be a job.

    Args:
        take: the next job, or None; called under the lane's lock, so it must be short.
        work: does the job on a pool thread; an exception is a bug of the runtime, which is logged.
        more: whether another thread would find a job, asked after each successful `take`.

    While a thread works, the clock counts as busy, so that a skipping clock does not skip past it.
    """

    def __init__(
        self,
        name: str,
        pool: Executor,
        clock: RuntimeClock,
        *,
        limit: int,
        take: Callable[[], J | None],
        work: Callable[[J], None],
        more: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self._pool = pool
        self._clock = clock
        self._limit = limit
        self._take, self._work, self._more = take, work, more
        self._changed = threading.Condition()
        self._running = 0
        self._coming = False  # a thread was woken and has not looked yet: it will see what is new
        self._stopped = True

    @property
    def running(self) -> int:
        """How many threads are at work."""
        return self._running

    def start(self) -> None:
        self._stopped = False
        self.wake()

    def stop(self) -> None:
        """Take no more jobs; those in hand go on (`join` waits for them)."""
        with self._changed:
            self._stopped = True

    def join(self, timeout: float | None = None) -> bool:
        """Wait until no thread works; False when `timeout` seconds passed before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout)

    def wake(self) -> None:
        """There may be a job: one more thread looks, unless `limit` already do."""
        with self._changed:
            if self._stopped or self._coming or self._running >= self._limit:
                return  # those running look again before they go
            self._coming = True
            self._running += 1
            self._clock.begin()
        self._pool.submit(self._run)

    def _run(self) -> None:
        try:
            first = True
            while (job := self._next(first)) is not None:
                first = False
                if self._more():
                    self.wake()
                try:
                    self._work(job)
                except Exception:  # one bad job must not close the lane to the others
                    logger.exception("lane %s: the runtime failed on a job", self.name)
        finally:
            self._clock.end()

    def _next(self, first: bool) -> J | None:
        """The next job; the decision to go is made under the lock, so that no wake-up is lost."""
        with self._changed:
            if first:
                self._coming = False
            job = None
            try:
                job = None if self._stopped else self._take()
            finally:
                if job is None:
                    self._running -= 1
                    self._changed.notify_all()
            return job
