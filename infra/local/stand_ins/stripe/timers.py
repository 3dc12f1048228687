"""What is due without a call (trial ends, renewals, expiries), on the live clock or on a test clock."""

from infra.local.stand_ins.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS timers (
    kind TEXT NOT NULL, id TEXT NOT NULL, timeline TEXT NOT NULL, due INTEGER NOT NULL,
    PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS timer_by_due ON timers (timeline, due);
"""
NEVER = float("inf")
LIVE = ""


class Timers:
    """One timer per object; `timeline` is a test clock's id, or LIVE."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.connection.executescript(SCHEMA)
        self._next: float | None = None

    def set(self, kind: str, id: str, due: int, timeline: str) -> None:
        """Set or move the object's timer to `due` (epoch seconds of business time)."""
        self._state.connection.execute(
            "INSERT OR REPLACE INTO timers VALUES (?, ?, ?, ?)", (kind, id, timeline, due)
        )
        self._next = None

    def clear(self, kind: str, id: str) -> None:
        """The object waits for nothing any more."""
        self._state.connection.execute("DELETE FROM timers WHERE kind = ? AND id = ?", (kind, id))
        self._next = None

    def earliest(self, timeline: str = LIVE) -> tuple[str, str, int] | None:
        """(kind, id, due) of the timer that strikes first."""
        sql = "SELECT kind, id, due FROM timers WHERE timeline = ? ORDER BY due, rowid LIMIT 1"
        row: tuple[str, str, int] | None = self._state.connection.execute(sql, (timeline,)).fetchone()
        return row

    def changed(self) -> None:
        """The timers were put back to what they were; what is remembered of them is not to be trusted."""
        self._next = None

    def next_live(self) -> float:
        """When the first live timer strikes; remembered, because every call asks."""
        if self._next is None:
            first = self.earliest()
            self._next = first[2] if first else NEVER
        return self._next
