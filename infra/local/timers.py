"""Timers: callbacks that are due at a moment, and the order they stand in."""

import heapq
import itertools
from collections.abc import Callable

NEVER = float("inf")


class Timer:
    """A callback that is due at a moment; `cancel` is free and may come late."""

    __slots__ = ("callback", "cancelled", "due")

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due  # seconds since 1970, in the time of the queue it stands in
        self.callback: Callable[[], None] | None = callback
        self.cancelled = False

    def cancel(self) -> None:
        """The callback will not run, unless it is running already."""
        self.cancelled = True
        self.callback = None  # let go of what it holds


class TimerQueue:
    """Timers in order of their moment; equal moments keep their order of arrival."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def add(self, timer: Timer) -> bool:
        """Returns whether the timer is now the first."""
        entry = (timer.due, next(self._order), timer)
        heapq.heappush(self._heap, entry)
        return self._heap[0] is entry

    def next_due(self) -> float:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER

    def pop_due(self, moment: float) -> list[Timer]:
        due = []
        while self.next_due() <= moment:
            due.append(heapq.heappop(self._heap)[2])
        return due


def fire(timers: list[Timer]) -> None:
    """Run what is due; a timer that was cancelled meanwhile does nothing."""
    for timer in timers:
        callback = timer.callback
        if callback is not None:
            callback()
