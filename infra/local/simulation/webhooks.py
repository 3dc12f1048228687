"""Stripe's webhooks in a simulation, late and doubled by seed; and what is due at Stripe as time passes."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from infra.local.simulation import Simulation
from infra.local.stand_ins.http import Request
from infra.local.stand_ins.stripe.deliveries import signature
from infra.local.stand_ins.stripe.server import StripeStandIn

LATE_SECONDS = (0.2, 2.0)
RETRY_SECONDS = 5.0


class Webhooks:
    """Delivers each event that Stripe owes, some of them twice, and rings Stripe when something is due there.

    Args:
        post: hands body and `Stripe-Signature` to Usher and returns the status.
        twice: the share of events that are delivered a second time.
    """

    def __init__(
        self,
        simulation: Simulation,
        *,
        secret: str,
        post: Callable[[bytes, str], int],
        seed: int,
        twice: float = 0.05,
    ) -> None:
        stripe = simulation.vendors.stand_ins["stripe"]
        assert isinstance(stripe, StripeStandIn)
        self._stripe, self._simulation = stripe, simulation
        self._secret, self._post, self._twice = secret, post, twice
        self._random = random.Random(seed)
        self._known, self._due = 0, float("inf")
        self._owed = 0
        self._lock = threading.Lock()
        simulation.vendors.called = self._look

    @property
    def owed(self) -> int:
        """Deliveries that nobody has answered with 2xx yet."""
        return self._owed

    def _look(self, vendor: str) -> None:
        """After each call, while the stand-in is ours: take what is owed, and see when it has to be rung."""
        if vendor != "stripe":
            return
        if self._stripe.events.owed:
            self._stripe.events.owed = 0
            rows = self._stripe.state.connection.execute(
                "SELECT seq, event FROM deliveries WHERE seq > ? ORDER BY seq", (self._known,)
            ).fetchall()
            for seq, event in rows:
                self._known = seq
                body = (self._stripe.state.text("event", event) or "").encode()
                for _ in range(2 if self._random.random() < self._twice else 1):
                    self._later(body, self._random.uniform(*LATE_SECONDS))
        due = self._stripe.account.timers.next_live()
        if due < self._due:
            self._due = due
            self._simulation.at(datetime.fromtimestamp(due, UTC), self._ring)

    def _later(self, body: bytes, seconds: float) -> None:
        with self._lock:
            self._owed += 1
        moment = self._simulation.clock.now() + timedelta(seconds=seconds)
        self._simulation.at(moment, lambda: self._deliver(body))

    def _deliver(self, body: bytes) -> None:
        wall = self._simulation.clock.wall().timestamp()
        status = self._post(body, signature(body, self._secret, wall))
        if not 200 <= status < 300:
            self._later(body, RETRY_SECONDS)
        with self._lock:
            self._owed -= 1

    def _ring(self) -> None:
        """Any call lets Stripe's time pass."""
        self._due = float("inf")
        self._simulation.vendors.answer("stripe", Request("GET", "/healthz"))
