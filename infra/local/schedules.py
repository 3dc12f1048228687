"""Schedules of one machine: functions called every so many minutes of business time."""

import logging
import sqlite3
import threading
from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from infra import catalog
from infra.local import arns
from infra.local.activity import RuntimeClock
from infra.local.database import Database
from infra.local.functions import Functions
from infra.local.lanes import Lane
from infra.local.queues import LocalQueue
from infra.local.request_ids import request_id
from usher.domain.errors import StoreUnavailable
from usher.ports.queue import Message

logger = logging.getLogger("usher.local")

MAX_ATTEMPTS = 3


class Schedules:
    """Fires each schedule at multiples of its period since 1970, or so long after: a restart keeps the beat.

    What fell due while nothing ran, or while the clock jumped, fires once, not once per period missed; a
    call that is still running when the next falls due is followed by one call. The time of the last firing
    is on disk. A function that fails is called again at once, twice; then the firing is a dead letter.
    """

    def __init__(
        self,
        entries: Iterable[catalog.Schedule],
        database: Database,
        functions: Functions,
        queue: LocalQueue,
        pool: Executor,
        clock: RuntimeClock,
    ) -> None:
        self._database = database
        self._functions = functions
        self._queue = queue
        self._clock = clock
        self._started = False
        self._entries = {entry.name: entry for entry in entries}
        self._due: dict[str, float] = {}  # fell due, not taken yet: the moment it stands for
        self._lock = threading.Lock()
        database.write(_create)
        self._lanes: dict[str, Lane[tuple[str, float]]] = {}
        for name in self._entries:
            self._lanes[name] = Lane(
                f"schedule {name}",
                pool,
                clock,
                limit=1,
                take=partial(self._take, name),
                work=self._fire,
            )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    @property
    def lanes(self) -> tuple[Lane[tuple[str, float]], ...]:
        return tuple(self._lanes.values())

    def start(self) -> None:
        """Fire what is overdue, and set the timers."""
        self._started = True
        fired = dict(
            self._database.reader().execute("SELECT name, fired_at FROM schedule_firings").fetchall()
        )
        now = self._clock.timestamp()
        for name, entry in self._entries.items():
            period, after = entry.every_minutes * 60, entry.after_minutes * 60
            if name in fired and (fired[name] - after) // period < (now - after) // period:
                self._ring(name)
            else:
                self._arm(name)

    def stop(self) -> None:
        """No timer of ours fires any more."""
        self._started = False

    def _arm(self, name: str) -> None:
        period, after = self._entries[name].every_minutes * 60, self._entries[name].after_minutes * 60
        moment = ((self._clock.timestamp() - after) // period + 1) * period + after
        self._clock.call_at(datetime.fromtimestamp(moment, UTC), lambda: self._ring(name))

    def _ring(self, name: str) -> None:
        if not self._started:
            return
        with self._lock:
            self._due[name] = self._clock.timestamp()
        self._arm(name)
        self._lanes[name].wake()

    def _take(self, name: str) -> tuple[str, float] | None:
        with self._lock:
            moment = self._due.pop(name, None)
        return None if moment is None else (name, moment)

    def _fire(self, job: tuple[str, float]) -> None:
        name, moment = job
        entry = self._entries[name]
        self._database.write(
            lambda c: c.execute("INSERT OR REPLACE INTO schedule_firings VALUES (?, ?)", (name, moment))
        )
        event = _event(name, moment)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                self._functions.invoke(entry.consumer, event, wait=True)
            except Exception as error:  # noqa: BLE001 - whatever a function raises is retried, then kept
                logger.warning("%s raised %s (attempt %d)", entry.consumer, type(error).__name__, attempt)
            else:
                return
        try:
            self._queue.send(entry.dead_letters, [Message(event)])
        except StoreUnavailable:
            logger.exception("schedule %s: a failed firing could not be kept", name)


def _event(name: str, moment: float) -> dict[str, Any]:
    return {
        "version": "0",
        "id": request_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": arns.ACCOUNT,
        "time": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": arns.REGION,
        "resources": [arns.schedule(name)],
        "detail": {},
    }


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schedule_firings (name TEXT PRIMARY KEY, fired_at REAL NOT NULL)"
    )
