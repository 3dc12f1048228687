"""Standings that this process remembers: for seconds as what holds, for longer as what was known last."""

import threading
from collections import OrderedDict
from datetime import datetime

from usher.records.entitlements import Standing

MOST = 10_000  # accounts; who was asked about longest ago is forgotten first


class Remembered:
    """By account id, with the wall time at which each was learnt. Threads may share it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[Standing, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, account_id: str) -> tuple[Standing, datetime] | None:
        with self._lock:
            return self._known.get(account_id)

    def learn(self, account_id: str, standing: Standing, at: datetime) -> None:
        with self._lock:
            self._known[account_id] = (standing, at)
            self._known.move_to_end(account_id)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def forget(self, account_id: str) -> None:
        with self._lock:
            self._known.pop(account_id, None)
