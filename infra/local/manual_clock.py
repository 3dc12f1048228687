"""A clock that tests and benchmarks move by hand; it promises what infra/local/clock.py does."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from infra.local.timers import NEVER, Timer, TimerQueue, fire


class ManualClock:
    """A clock that stands still until a test moves it; callbacks run on the thread that moves it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.timestamp()
        self._queue = TimerQueue()
        self._lock = threading.Lock()
        self._busy = 0
        self._idle = threading.Condition(self._lock)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._now, UTC)

    def wall(self) -> datetime:
        return self.now()

    def sleep(self, seconds: float) -> None:
        """Moves time by itself: who else would, while its only thread sleeps?"""
        self.advance(seconds)

    def timestamp(self) -> float:
        return self._now

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer:
        """Run `callback` when `advance_to` reaches `when`."""
        with self._lock:
            timer = Timer(when.timestamp(), callback)
            self._queue.add(timer)
        return timer

    def call_after_wall(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self.call_at(self.now() + timedelta(seconds=seconds), callback)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Work is in flight inside the block: `settle` waits for its end."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        with self._lock:
            self._busy += 1

    def end(self) -> None:
        with self._idle:
            self._busy -= 1
            if self._busy == 0:
                self._idle.notify_all()

    def settle(self, timeout: float = 30.0) -> None:
        """Wait until nothing is busy. Raises TimeoutError when that takes longer than wall seconds."""
        with self._idle:
            if not self._idle.wait_for(lambda: self._busy == 0, timeout):
                raise TimeoutError(f"{self._busy} pieces of work are still in flight")

    def next_due(self) -> datetime | None:
        """The next moment something waits for."""
        with self._lock:
            due = self._queue.next_due()
        return None if due == NEVER else datetime.fromtimestamp(due, UTC)

    def advance(self, seconds: float) -> None:
        self.advance_to(self.now() + timedelta(seconds=seconds))

    def advance_to(self, moment: datetime) -> None:
        """Move time to `moment`, firing what is due on the way, each at its own time."""
        target = moment.timestamp()
        if target < self._now:
            raise ValueError("time does not run backwards")
        while True:
            with self._lock:
                due = self._queue.next_due()
                if due > target:
                    self._now = target
                    return
                self._now = max(self._now, due)
                timers = self._queue.pop_due(self._now)
            fire(timers)

    def close(self) -> None:
        """Nothing runs."""
