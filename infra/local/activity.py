"""What is at work: the clock as the runtime sees it, which also counts what has begun and not ended."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from infra.local.timers import Timer


class RuntimeClock(Protocol):
    """What the runtime needs of a clock: infra.local.clock has the real one, manual_clock one for tests."""

    def now(self) -> datetime: ...

    def wall(self) -> datetime: ...

    def timestamp(self) -> float: ...

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer: ...

    def call_after_wall(self, seconds: float, callback: Callable[[], None]) -> Timer: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...


class Activity:
    """A RuntimeClock that hands all on to another, and counts `begin` and `end` so that one can wait."""

    def __init__(self, clock: RuntimeClock) -> None:
        self._clock = clock
        self.now, self.wall, self.timestamp = clock.now, clock.wall, clock.timestamp
        self.call_at, self.call_after_wall = clock.call_at, clock.call_after_wall
        self._changed = threading.Condition()
        self._count = 0
        self._begun = 0

    def begin(self) -> None:
        with self._changed:
            self._count += 1
            self._begun += 1
        self._clock.begin()

    def end(self) -> None:
        self._clock.end()
        with self._changed:
            self._count -= 1
            if self._count == 0:
                self._changed.notify_all()

    def holds(self, quiet: Callable[[], bool]) -> bool:
        """Whether nothing is at work and `quiet` says so too, with nothing having begun in the meantime."""
        before = self._begun
        return self._count == 0 and quiet() and self._count == 0 and self._begun == before

    def wait(self, seconds: float) -> None:
        """Return when what is at work has ended, at the latest after `seconds` of wall time."""
        with self._changed:
            self._changed.wait(seconds)
