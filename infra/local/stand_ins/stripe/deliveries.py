"""Webhook deliveries: signed, at least once, a few at a time, retried until the endpoint says 2xx.

What is owed lies in the table that events.py writes with each change. This reads it in batches, posts over
kept-alive connections and writes the outcomes back in batches; after a crash some are posted again.
"""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.state import Object, State
from infra.local.stand_ins.stripe.events import Events
from infra.local.stand_ins.stripe.posting import Poster, PostFailed

IN_FLIGHT = 8
BATCH = 200
AFTER_ANSWER = 0.003  # seconds: the caller has its answer before the event about it arrives
RETRY_SECONDS, LONGEST_RETRY = 0.25, 30.0
GIVE_UP_SECONDS = 3 * 24 * 3600  # Stripe retries for three days
REORDER_SECONDS = 0.2

_OWED = """
SELECT d.seq, d.event, d.endpoint, d.attempts, d.extra, o.json FROM deliveries d
JOIN objects o ON o.kind = 'event' AND o.id = d.event
WHERE d.delivered_at IS NULL AND d.next_at <= ? ORDER BY d.next_at, d.seq LIMIT ?
"""


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
        self._taken: set[int] = set()
        self._queue: list[tuple[Any, ...]] = []
        self._outcomes: list[tuple[Any, ...]] = []
        self._wake: asyncio.TimerHandle | None = None
        self._look_again = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with what an earlier process left owed."""
        self._loop = loop
        self._events.owed = 1
        self.wake()

    async def stop(self) -> None:
        """Let the posts in flight end, write what is known."""
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
        """Look for owed deliveries shortly, when there may be any."""
        due = self._events.owed or self._outcomes or (self._look_again and self._look_again <= self._wall())
        if due and self._loop and self._wake is None:
            self._wake = self._loop.call_later(AFTER_ANSWER, self._work)

    def view(self) -> Object:
        """How many are delivered and owed, and the owed ones with their last outcome."""
        self._write_outcomes()
        count = self._state.connection.execute(
            "SELECT count(delivered_at), count(*) - count(delivered_at), coalesce(sum(attempts), 0) FROM deliveries"
        ).fetchone()
        owed = self._state.connection.execute(
            "SELECT event, endpoint, type, attempts, next_at, outcome FROM deliveries WHERE delivered_at IS NULL "
            "ORDER BY seq LIMIT 100"
        )
        names = ("event", "endpoint", "type", "attempts", "next_at", "outcome")
        pending = [dict(zip(names, row, strict=True)) for row in owed]
        return {"delivered": count[0], "pending": count[1], "attempts": count[2], "next": pending}

    def _work(self) -> None:
        self._wake = None
        self._write_outcomes()
        if not self._queue:
            self._load()
        self._fill()

    def _load(self) -> None:
        self._events.owed = 0
        now = self._wall()
        rows = self._state.connection.execute(_OWED, (now, BATCH)).fetchall()
        fresh = [row for row in rows if row[0] not in self._taken]
        if len(rows) == BATCH:
            self._events.owed = 1  # there is more
        for row in fresh:
            if not row[3] and not row[4] and self._random.random() < self._reordering:
                self._postpone(row[0], now + self._random.random() * REORDER_SECONDS)
            else:
                self._queue.append(row)
                self._taken.add(row[0])
        if not fresh:
            sql = "SELECT min(next_at) FROM deliveries WHERE delivered_at IS NULL AND next_at > ?"
            self._look_again = self._state.connection.execute(sql, (now,)).fetchone()[0] or 0.0
        else:
            self._look_again = now

    def _postpone(self, seq: int, until: float) -> None:
        self._state.connection.execute(
            "UPDATE deliveries SET next_at = ?, attempts = 0 WHERE seq = ?", (until, seq)
        )

    def _fill(self) -> None:
        assert self._loop is not None
        self._queue.reverse()
        while self._queue and len(self._tasks) < IN_FLIGHT:
            task = self._loop.create_task(self._deliver(*self._queue.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        self._queue.reverse()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._loop is None or task.cancelled():
            return
        task.result()
        if self._queue:
            self._fill()
        elif not self._tasks or len(self._outcomes) >= BATCH:
            self.wake()

    async def _deliver(
        self, seq: int, event: str, endpoint: str, attempts: int, extra: int, text: str
    ) -> None:
        target = next((each for each in self._events.endpoints() if each["id"] == endpoint), None)
        if target is None:
            self._outcomes.append((attempts, 0, self._wall(), "endpoint deleted", seq))
            return
        url = target["url"]
        poster = self._posters.get(url)
        if poster is None:
            poster = self._posters[url] = Poster(url, IN_FLIGHT)
        body = text.encode()
        try:
            status = await poster.post(
                body, {"stripe-signature": signature(body, target["secret"], self._wall())}
            )
            outcome = str(status)
        except PostFailed as failure:
            status, outcome = 0, str(failure)
        now = self._wall()
        if 200 <= status < 300:
            self._outcomes.append((attempts + 1, 0, now, outcome, seq))
            if not extra and self._random.random() < self._duplicates:
                self._outcomes.append((event, endpoint, now + self._random.random() * REORDER_SECONDS))
        else:
            pause = min(self._retry * 2**attempts, LONGEST_RETRY)
            gave_up = pause * attempts > GIVE_UP_SECONDS
            self._outcomes.append((attempts + 1, now + pause, now if gave_up else None, outcome, seq))
            self._look_again = min(self._look_again or now + pause, now + pause)

    def _write_outcomes(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        update = (
            "UPDATE deliveries SET attempts = ?, next_at = ?, delivered_at = ?, outcome = ? WHERE seq = ?"
        )
        again = (
            "INSERT INTO deliveries (event, endpoint, type, next_at, extra) "
            "SELECT id, ?, label, ?, 1 FROM objects WHERE kind = 'event' AND id = ?"
        )
        with self._state.transaction():
            for outcome in outcomes:
                if len(outcome) == 3:
                    event, endpoint, at = outcome
                    self._state.connection.execute(again, (endpoint, at, event))
                    self._look_again = min(self._look_again or at, at)
                else:
                    self._state.connection.execute(update, outcome)
                    self._taken.discard(outcome[-1])


def signature(body: bytes, secret: str, wall: float) -> str:
    """The `Stripe-Signature` header: time and HMAC-SHA256 over "time.body"."""
    at = int(wall)
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
