"""A stand-in's two clocks: wall time, and business time that the runner may shift and speed up."""

import time
from typing import Any

from infra.local.stand_ins.state import State


class StandInClock:
    """Business time is wall time until `set` is called; the setting survives a restart."""

    def __init__(self, state: State) -> None:
        self._state = state
        note = state.note("clock") or {}
        self._business: float | None = note.get("business")
        self._wall: float = note.get("wall", 0.0)
        self.scale: float = note.get("scale", 1.0)

    def wall(self) -> float:
        """Epoch seconds of wall time: rate limits, signatures, retries of deliveries."""
        return time.time()

    def now(self) -> float:
        """Epoch seconds of business time: trials, renewals, `created`."""
        if self._business is None:
            return time.time()
        return self._business + (time.time() - self._wall) * self.scale

    def set(self, now: float | None, scale: float = 1.0) -> None:
        """Run business time from `now` at `scale` seconds per second; None returns to wall time."""
        self._business, self._wall, self.scale = now, time.time(), scale
        self._state.keep_note("clock", {"business": now, "wall": self._wall, "scale": scale})

    def view(self) -> dict[str, Any]:
        """Both times and the scale."""
        return {"now": self.now(), "wall": self.wall(), "scale": self.scale}
