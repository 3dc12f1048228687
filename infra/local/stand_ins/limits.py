"""Rate limits as vendors count them: so many calls in a window, by key, in wall time."""

from collections import deque
from collections.abc import Callable


class RateLimits:
    """Sliding windows by key.

    Args:
        wall: answers wall time in seconds; a test passes its own.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._calls: dict[str, deque[float]] = {}

    def admit(self, rules: list[tuple[str, int, float]]) -> tuple[str, float] | None:
        """Count one call under every (key, calls, seconds) rule, or refuse it under all.

        Returns None when admitted, else the key that is exhausted and the seconds until it has room.
        """
        now = self._wall()
        windows = []
        for key, calls, seconds in rules:
            window = self._calls.setdefault(key, deque())
            while window and window[0] <= now - seconds:
                window.popleft()
            if len(window) >= calls:
                return key, window[0] + seconds - now
            windows.append(window)
        for window in windows:
            window.append(now)
        return None
