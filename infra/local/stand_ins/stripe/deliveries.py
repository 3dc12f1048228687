"""Webhook deliveries: signed, at least once, a few at a time, retried until the endpoint says 2xx.

What is owed lies in the table that events.py writes with each change. This keeps what waits in memory, posts
over kept-alive connections and writes outcomes back in batches; after a crash some are posted again. What was
given up (after three days, or because a test lost it) stays in the table, and is listed as undelivered.
"""

import asyncio
import hashlib
import heapq
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Request
from infra.local.stand_ins.state import Object, State
from infra.local.stand_ins.stripe.events import Events
from infra.local.stand_ins.stripe.posting import Poster, PostFailed

IN_FLIGHT = 8
OUTCOMES = 50  # written in one transaction
AFTER_ANSWER = 0.003  # seconds: the caller has its answer before the event about it arrives
RETRY_SECONDS, LONGEST_RETRY = 0.25, 30.0
MAX_ATTEMPTS = 3 * 24 * 3600 // int(LONGEST_RETRY)  # Stripe retries for three days
REORDER_SECONDS = 0.2
NEVER = 1e12  # `next_at` of what was given up

_COLUMNS = "next_at, seq, event, endpoint, type, attempts, extra"
_NEW = f"SELECT {_COLUMNS} FROM deliveries WHERE seq > ? AND next_at < {NEVER} ORDER BY seq"
_RETRY = "UPDATE deliveries SET next_at = ?, attempts = ?, outcome = ? WHERE seq = ?"
_AGAIN = "INSERT INTO deliveries (event, endpoint, type, next_at, extra) VALUES (?, ?, ?, ?, 1)"


@dataclass(order=True, slots=True)
class Owed:
    """One event for one endpoint; `extra` marks a duplicate made by seed."""

    next_at: float
    seq: int
    event: str
    endpoint: str
    type: str
    attempts: int
    extra: int
    outcome: str = ""
    delivered: bool = False
    given_up: bool = False


class Deliveries:
    """Posts what is owed. Options: `duplicates`, `reordering` (shares by seed), `retry_seconds`."""

    def __init__(self, state: State, events: Events, config: Config, wall: Callable[[], float]) -> None:
        self._state, self._events, self._wall = state, events, wall
        options = config.options
        self._duplicates = float(options.get("duplicates", 0))
        self._reordering = float(options.get("reordering", 0))
        self._retry = float(options.get("retry_seconds", RETRY_SECONDS))
        self._random = random.Random(config.seed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._posters: dict[str, Poster] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[Owed] = []  # a heap
        self._known = 0
        self._outcomes: list[Owed] = []
        self._wake: asyncio.TimerHandle | None = None
        self._losing: dict[str, Any] | None = None  # the order to lose events, while there is one

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with what an earlier process left owed."""
        self._loop = loop
        self._events.owed = 1
        self.wake()

    async def stop(self) -> None:
        """Give up the posts in flight (they stay owed), write what is known."""
        self._loop = None
        if self._wake:
            self._wake.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for poster in self._posters.values():
            poster.close()
        self._write_outcomes()

    def wake(self) -> None:
        """Post shortly, when there may be something to post."""
        if self._loop and self._wake is None and (self._events.owed or self._outcomes or self._due()):
            self._wake = self._loop.call_later(AFTER_ANSWER, self._work)

    def view(self) -> Object:
        """How many are delivered and pending, and the first pending ones with their last outcome."""
        self._write_outcomes()
        totals = self._state.note("deliveries") or {"delivered": 0, "attempts": 0}
        connection = self._state.connection
        lost = f"SELECT count(*) FROM deliveries WHERE next_at >= {NEVER}"
        totals["lost"] = connection.execute(lost).fetchone()[0]
        names = ("event", "endpoint", "type", "attempts", "next_at", "outcome")
        rows = connection.execute(
            f"SELECT {', '.join(names)} FROM deliveries WHERE next_at < {NEVER} ORDER BY seq LIMIT 100"
        )
        pending = connection.execute(f"SELECT count(*) FROM deliveries WHERE next_at < {NEVER}").fetchone()[0]
        return totals | {"pending": pending, "next": [dict(zip(names, row, strict=True)) for row in rows]}

    def order_losses(self, request: Request) -> Object:
        """Lose deliveries from now on, `{types?, count?}`: nobody tries them, they stay undelivered."""
        order = request.json()
        self._losing = {"types": order.get("types"), "count": order.get("count")}
        return self.view()

    def end_losses(self) -> Object:
        """Deliver again; what was lost stays lost, as at Stripe after three days."""
        self._losing = None
        return self.view()

    def _loses(self, type: str) -> bool:
        order = self._losing
        if order is None or (order["types"] and type not in order["types"]) or order["count"] == 0:
            return False
        if order["count"]:
            order["count"] -= 1
        return True

    def _due(self) -> bool:
        return (
            bool(self._waiting) and self._waiting[0].next_at <= self._wall() and len(self._tasks) < IN_FLIGHT
        )

    def _work(self) -> None:
        self._wake = None
        if self._events.owed:
            self._load()
        self._write_outcomes()
        self._fill()

    def _load(self) -> None:
        self._events.owed = 0
        for row in self._state.connection.execute(_NEW, (self._known,)):
            owed = Owed(*row)
            self._known = owed.seq
            if not owed.attempts and not owed.extra and self._random.random() < self._reordering:
                owed.next_at = self._wall() + self._random.random() * REORDER_SECONDS
            heapq.heappush(self._waiting, owed)

    def _fill(self) -> None:
        while self._loop and self._due():
            task = self._loop.create_task(self._deliver(heapq.heappop(self._waiting)))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._loop is None or task.cancelled():
            return
        task.result()
        self._fill()
        if not self._tasks or len(self._outcomes) >= OUTCOMES:
            self.wake()

    async def _deliver(self, owed: Owed) -> None:
        endpoint = next((each for each in self._events.endpoints() if each["id"] == owed.endpoint), None)
        text = self._state.text("event", owed.event)
        owed.attempts += 1
        if endpoint is None or text is None:
            owed.delivered, owed.outcome = True, "the endpoint or the event is gone"
        elif self._loses(owed.type):
            owed.given_up, owed.outcome = True, "lost"
        else:
            await self._post(owed, endpoint, text.encode())
        owed.given_up = owed.given_up or (not owed.delivered and owed.attempts >= MAX_ATTEMPTS)
        if owed.given_up:
            owed.next_at = NEVER
        elif not owed.delivered:
            owed.next_at = self._wall() + min(self._retry * 2 ** min(owed.attempts - 1, 20), LONGEST_RETRY)
            heapq.heappush(self._waiting, owed)
        self._outcomes.append(owed)

    async def _post(self, owed: Owed, endpoint: Object, body: bytes) -> None:
        url = endpoint["url"]
        poster = self._posters.get(url)
        if poster is None:
            poster = self._posters[url] = Poster(url, IN_FLIGHT)
        headers = {"stripe-signature": signature(body, endpoint["secret"], self._wall())}
        try:
            status = await poster.post(body, headers)
        except PostFailed as failure:
            owed.outcome = str(failure)
        else:
            owed.outcome, owed.delivered = str(status), 200 <= status < 300

    def _write_outcomes(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        connection, done = self._state.connection, [owed for owed in outcomes if owed.delivered]
        totals = self._state.note("deliveries") or {"delivered": 0, "attempts": 0}
        totals["delivered"] += len(done)
        totals["attempts"] += len(outcomes)
        with self._state.transaction():
            connection.executemany("DELETE FROM deliveries WHERE seq = ?", [(owed.seq,) for owed in done])
            late = [(o.next_at, o.attempts, o.outcome, o.seq) for o in outcomes if not o.delivered]
            connection.executemany(_RETRY, late)
            for owed in done:
                if not owed.extra and self._random.random() < self._duplicates:
                    at = self._wall() + self._random.random() * REORDER_SECONDS
                    connection.execute(_AGAIN, (owed.event, owed.endpoint, owed.type, at))
                    self._events.owed += 1
            self._state.keep_note("deliveries", totals)


def signature(body: bytes, secret: str, wall: float) -> str:
    """The `Stripe-Signature` header: time and HMAC-SHA256 over "time.body"."""
    at = int(wall)
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
