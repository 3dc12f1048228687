"""Prices at Stripe by their lookup keys, each looked up once a minute."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import KeySpent, VendorRejected

KEPT_SECONDS = 60.0


class StripePrices:
    """Finds the active price of a lookup key; `usher catalog apply` may put another one in its place."""

    def __init__(self, calls: StripeCalls, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._calls, self._kept_seconds = calls, kept_seconds
        self._found: dict[str, tuple[str, float]] = {}

    def of(self, key: str) -> str:
        """The id of the active price under this key. Raises VendorRejected when there is none."""
        id, until = self._found.get(key, ("", 0.0))
        return id if time.monotonic() < until else self._look_up(key)

    @contextmanager
    def selling(self, key: str) -> Iterator[str]:
        """The id, for one call that sells it under an idempotency key.

        Raises KeySpent when Stripe refuses the call and the key has another price by now: the next try sells
        that, which is another body and wants another idempotency key.
        """
        id = self.of(key)
        try:
            yield id
        except VendorRejected as error:
            if error.status != 400 or self._look_up(key) == id:
                raise
            raise KeySpent(f"stripe: the price of {key} was replaced while it was sold") from error

    def _look_up(self, key: str) -> str:
        found = self._calls.call("get", "/v1/prices", {"lookup_keys": [key], "active": True})["data"]
        if not found:
            raise VendorRejected(f"Stripe has no active price with lookup key {key}: apply the plan catalog")
        id = str(found[0]["id"])
        self._found[key] = (id, time.monotonic() + self._kept_seconds)
        return id
