"""Clock: business time (which a local run may speed up or skip) and wall time (which it may not)."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Both answers are timezone-aware UTC."""

    def now(self) -> datetime:
        """Business time: trials, deadlines, periods, timestamps on records."""

    def wall(self) -> datetime:
        """Wall time: signature tolerances, leases against other machines, tokens."""

    def sleep(self, seconds: float) -> None:
        """Let business time pass, a second at most: longer waits belong to queues and workflows."""
