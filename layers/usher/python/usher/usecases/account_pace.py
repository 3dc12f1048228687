"""How often one account may be asked about: a limit on public routes, beside that of each route (F5)."""

import math
import threading
from dataclasses import dataclass

from usher.domain.admission import SECOND
from usher.domain.errors import StoreUnavailable, VendorUnavailable
from usher.domain.problems import Problem
from usher.records.buckets import Buckets

FREE = 10
"""Requests of an account in a second that a process lets pass without asking the store."""

_REMEMBERED = 10_000  # accounts of the present second; more than that in one process is no honest second


@dataclass
class _Second:
    number: int
    left: int = FREE


class AccountPace:
    """Lets through what an account's rate allows (`accounts:*` of policies/limits.yaml).

    An account that is asked about now and then costs nothing: only what is beyond `FREE` in a second takes
    its slots from the row that all processes share, ten at a time. So an account may have, beyond its rate,
    ten requests a second of each process that serves it.
    """

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._seconds: dict[str, _Second] = {}
        self._lock = threading.Lock()

    def admit(self, account_id: str) -> None:
        """Count one request. Raises Problem 429 with `retry-after` when the account has to slow down."""
        bucket = f"accounts:{account_id}"
        if not self._buckets.limited([bucket]) or self._has_slot(account_id):
            return
        try:
            self._buckets.lease(bucket, FREE)
        except VendorUnavailable as error:
            seconds = str(max(1, math.ceil(error.retry_after or 0)))
            detail = f"Too much is asked of this account at a time: send this again in {seconds} s"
            raise Problem(429, "Too many requests", detail, headers={"retry-after": seconds}) from error
        except StoreUnavailable:
            return  # a limit that cannot be counted is no reason to turn anybody away
        with self._lock:
            self._now_of(account_id).left += FREE - 1

    def _has_slot(self, account_id: str) -> bool:
        with self._lock:
            second = self._now_of(account_id)
            if second.left <= 0:
                return False
            second.left -= 1
            return True

    def _now_of(self, account_id: str) -> _Second:
        number = self._buckets.now() // SECOND
        second = self._seconds.get(account_id)
        if second is None or second.number != number:
            if len(self._seconds) >= _REMEMBERED:
                self._seconds.clear()
            second = self._seconds[account_id] = _Second(number)
        return second
