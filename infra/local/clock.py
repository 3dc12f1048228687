"""The one clock and timer service of a local run: it can run n times faster, or skip what nobody works in.

Business time decides waits, deadlines, schedules and timestamps; wall time decides signatures and how long
a function may compute. Business time never runs backwards, not across a restart that keeps the offset.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from infra.local.timers import NEVER, Timer, TimerQueue, fire


class LocalClock:
    """Clock port and timer service in one.

    Args:
        scale: business seconds per wall second.
        skipping: when nothing is busy, jump to the next deadline instead of waiting for it.
        longest_skip: business seconds that are skipped at once at most: a deadline that is further off than
            this is lived up to, for somebody may act before it.
        offset: business time minus wall time at the start; `offset()` of the run before keeps time monotonic.
        started_at: begin at this business moment instead (excludes `offset`).

    Callbacks run on the clock's own thread and must be short: they hand work to somebody else.
    """

    def __init__(
        self,
        *,
        scale: float = 1.0,
        skipping: bool = False,
        longest_skip: float = NEVER,
        offset: timedelta = timedelta(0),
        started_at: datetime | None = None,
    ) -> None:
        if scale <= 0:
            raise ValueError("scale must be positive: 1 is real time, 60 makes a minute pass in a second")
        self._scale = scale
        self._skipping = skipping
        self._longest_skip = longest_skip
        self._wall_base = time.time()
        self._monotonic_base = time.monotonic()
        base = started_at.timestamp() if started_at is not None else self._wall_base + offset.total_seconds()
        self._business_base = base
        self._business, self._computing = TimerQueue(), TimerQueue()
        self._busy = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    # -- the Clock port ------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def sleep(self, seconds: float) -> None:
        """Whoever sleeps is not busy, so a skipping clock passes over it; call it from busy work only."""
        woken = threading.Event()

        def wake() -> None:
            self.begin()  # on the sleeper's behalf, before the clock may find that nobody is busy
            woken.set()

        self.call_at(self.now() + timedelta(seconds=seconds), wake)
        self.end()
        while not woken.wait(1.0):
            if self._closed:  # its timers will not ring any more
                self.begin()
                return

    # -- time as numbers, for hot paths --------------------------------------------------------------------

    def timestamp(self) -> float:
        """Business time in seconds since 1970."""
        return self._business_base + (time.monotonic() - self._monotonic_base) * self._scale

    def _wall(self) -> float:
        return self._wall_base + (time.monotonic() - self._monotonic_base)

    @property
    def scale(self) -> float:
        """Business seconds in a wall second."""
        return self._scale

    def offset(self) -> timedelta:
        """Business time minus wall time now: save it, and give it to the next run."""
        return timedelta(seconds=self.timestamp() - self._wall())

    # -- timers --------------------------------------------------------------------------------------------

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer:
        """Run `callback` when business time reaches `when` (at once when it has)."""
        return self._add(self._business, Timer(when.timestamp(), callback))

    def call_after_wall(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` after wall seconds: for how long a function may compute, whatever the scale."""
        return self._add(self._computing, Timer(self._wall() + seconds, callback))

    def _add(self, queue: TimerQueue, timer: Timer) -> Timer:
        with self._wake:
            if self._closed:
                timer.cancel()
                return timer
            first = queue.add(timer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            elif first:
                self._wake.notify()
        return timer

    # -- idleness ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Work is in flight inside the block: time is not skipped."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        """`busy()` for work that ends on another thread; pair it with `end`."""
        if self._skipping:
            with self._wake:
                self._busy += 1

    def end(self) -> None:
        if self._skipping:
            with self._wake:
                self._busy -= 1
                if self._busy == 0:
                    self._wake.notify()

    def skip_at_most(self, seconds: float) -> None:
        """From now on `longest_skip` is this; infinity lets any time pass."""
        with self._wake:
            self._longest_skip = seconds
            self._wake.notify()

    def rests(self) -> bool:
        """Whether a skipping clock has come to a deadline that it does not skip to, and nothing is busy."""
        with self._wake:
            return self._busy == 0 and not self._skips_to(self._business.next_due())

    def close(self) -> None:
        """Stop: no callback runs after this returned."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                due = self._computing.pop_due(self._wall()) + self._business.pop_due(self.timestamp())
                if not due:
                    self._sleep_or_skip()
                    continue
                self.begin()  # what a callback starts must be counted before time may skip again
            try:
                fire(due)
            finally:
                self.end()

    def _sleep_or_skip(self) -> None:
        business = self._business.next_due()
        if self._skipping and self._busy == 0 and self._skips_to(business):
            self._business_base += max(0.0, business - self.timestamp())
            return
        seconds = min((business - self.timestamp()) / self._scale, self._computing.next_due() - self._wall())
        self._wake.wait(None if seconds == NEVER else min(max(seconds, 0.0), 3600.0))

    def _skips_to(self, business: float) -> bool:
        return business != NEVER and business - self.timestamp() <= self._longest_skip
