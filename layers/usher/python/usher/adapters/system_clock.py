"""The clock on AWS: business time is wall time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements usher.ports.clock.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the clock everybody else asks

    def wall(self) -> datetime:
        return self.now()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
