"""The channel's slot: who may post next, and when; one row, so that posts keep their distance."""

from datetime import datetime, timedelta

from usher.ports.store import Absent, AtMost, ConditionFailed, Either, Store, Update

TABLE = "buckets"
_KEY = {"bucket": "chat"}
DISTANCE = timedelta(seconds=1, milliseconds=100)  # Slack takes about one post a second and hook


class ChatSlot:
    """Moments are wall time in epoch milliseconds: Slack's clock does not run faster when ours does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, wall: datetime) -> float:
        """Take the slot and return 0, or the seconds until it is free."""
        now = int(wall.timestamp() * 1000)
        free = Either((Absent("free_at"), AtMost("free_at", now)))
        try:
            self._store.write(
                Update(TABLE, _KEY, set={"free_at": now + int(DISTANCE.total_seconds() * 1000)}, if_=free)
            )
        except ConditionFailed as error:
            free_at = int((error.failed[0] or {})["free_at"])
            return max(0.001, (free_at - now) / 1000)
        return 0.0
