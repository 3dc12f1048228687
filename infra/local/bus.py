"""The buses of one machine: events stored with one delivery per matching rule, and delivered until done."""

import itertools
import json
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra import catalog
from infra.local import arns
from infra.local.activity import RuntimeClock
from infra.local.commit_group import Batch
from infra.local.database import Database
from infra.local.functions import Functions
from infra.local.lanes import Lane
from infra.local.queues import LocalQueue
from infra.local.request_ids import request_id
from usher.domain.errors import StoreUnavailable
from usher.ports.queue import Message

logger = logging.getLogger("usher.local")

MAX_BYTES = 256 * 1024
BACKOFF_SECONDS = (60.0, 120.0)  # Lambda's own waits before the two retries of an asynchronous call
CONCURRENCY = 10  # calls of one rule at a time, where its function has no reserve

_DELETE = "DELETE FROM bus_deliveries WHERE id IN (SELECT value FROM json_each(?))"

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one rule's consumer."""

    id: int
    rule: str
    event: str  # JSON
    attempts: int = 0
    due: float = 0.0  # business time


class LocalBus:
    """The bus `usher` (implements ports.bus.Bus) and the bus `default`, where the engine tells what ended.

    An accepted event is on disk with a row for each delivery; a crash repeats deliveries, it loses none.
    """

    def __init__(
        self,
        database: Database,
        rules: Iterable[catalog.Rule],
        functions: Functions,
        queue: LocalQueue,
        pool: Executor,
        clock: RuntimeClock,
    ) -> None:
        self._database = database
        self._clock = clock
        database.write(_create)
        self._ids = itertools.count(database.write(_next_id))
        self._done: Batch[int] = database.batch(_DELETE, lambda ids: (json.dumps(ids),))
        self._rules = {rule.name: _Rule(rule, self, functions, queue, pool, clock) for rule in rules}
        for row in database.reader().execute("SELECT * FROM bus_deliveries ORDER BY id").fetchall():
            if row["rule"] in self._rules:
                self._rules[row["rule"]].add(Delivery(*row))
            else:
                logger.warning("delivery %s waits for rule %s, which is no longer there", *row[:2])

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(self._rules)

    @property
    def lanes(self) -> tuple[Lane[Delivery], ...]:
        return tuple(rule.lane for rule in self._rules.values())

    def pending(self) -> int:
        """How many deliveries are not done yet, those that wait for a retry included."""
        return sum(rule.pending for rule in self._rules.values())

    def publish(self, events: Sequence[Json]) -> list[int]:
        """Publish envelopes on the bus `usher`; returns the positions refused. Raises StoreUnavailable."""
        entries = [
            {"Source": "usher", "DetailType": event.get("type"), "Detail": event, "EventBusName": "usher"}
            for event in events
        ]
        answer = self.put_events(entries)["Entries"]
        return [position for position, entry in enumerate(answer) if "ErrorCode" in entry]

    def put_events(self, entries: Sequence[Mapping[str, Any]]) -> Json:
        """PutEvents: answers `FailedEntryCount` and, for each entry, its EventId or an ErrorCode.

        Raises StoreUnavailable.
        """
        answers: list[Json] = []
        deliveries: list[Delivery] = []
        for entry in entries:
            event, problem = self._event(entry)
            if event is None:
                answers.append({"ErrorCode": "MalformedDetail", "ErrorMessage": problem})
                continue
            text = json.dumps(event, separators=(",", ":"))
            if len(text) > MAX_BYTES:
                answers.append({"ErrorCode": "EntryTooLarge", "ErrorMessage": f"above {MAX_BYTES} bytes"})
                continue
            answers.append({"EventId": event["id"]})
            bus = str(entry.get("EventBusName") or "default").rpartition("/")[2]
            deliveries += self._deliveries(bus, event, text)
        if deliveries:
            self._store(deliveries)
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    def put_own(self, event: Mapping[str, Any]) -> None:
        """Put an event of the platform itself on the bus `default`; it has the form of a delivered event."""
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": event["detail"],
            "Resources": event["resources"],
            "EventBusName": "default",
        }
        self.put_events([entry])

    def done(self, delivery: Delivery) -> None:
        """The delivery has ended; its row may go with the next commit."""
        self._done.submit(delivery.id, _report)

    def note(self, delivery: Delivery) -> None:
        """Keep the number of attempts and the time of the next."""
        row = (delivery.attempts, delivery.due, delivery.id)
        self._database.write(
            lambda c: c.execute("UPDATE bus_deliveries SET attempts = ?, due = ? WHERE id = ?", row)
        )

    def _event(self, entry: Mapping[str, Any]) -> tuple[Json | None, str]:
        detail = entry.get("Detail")
        if isinstance(detail, str):
            try:
                detail = json.loads(detail)
            except ValueError:
                return None, "Detail is not JSON"
        if not isinstance(detail, dict) or not entry.get("Source") or not entry.get("DetailType"):
            return None, "an entry needs Source, DetailType and a Detail object"
        now = self._clock.now()
        return {
            "version": "0",
            "id": request_id(),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": arns.ACCOUNT,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": arns.REGION,
            "resources": list(entry.get("Resources", ())),
            "detail": detail,
        }, ""

    def _deliveries(self, bus: str, event: Json, text: str) -> list[Delivery]:
        names = [name for name, rule in self._rules.items() if matches(rule.entry, bus, event)]
        return [Delivery(next(self._ids), name, text) for name in names]

    def _store(self, deliveries: list[Delivery]) -> None:
        rows = [(d.id, d.rule, d.event, 0, 0.0) for d in deliveries]
        try:
            self._database.write(
                lambda c: c.executemany("INSERT INTO bus_deliveries VALUES (?, ?, ?, ?, ?)", rows)
            )
        except (sqlite3.Error, RuntimeError) as error:  # RuntimeError: the database is closed
            raise StoreUnavailable(f"the bus took no event: {type(error).__name__}") from error
        for delivery in deliveries:
            self._rules[delivery.rule].add(delivery)


class _Rule:
    """One rule's deliveries: in memory the order, on disk the truth."""

    def __init__(
        self,
        entry: catalog.Rule,
        bus: LocalBus,
        functions: Functions,
        queue: LocalQueue,
        pool: Executor,
        clock: RuntimeClock,
    ) -> None:
        self.entry = entry
        self._bus, self._functions, self._queue, self._clock = bus, functions, queue, clock
        self._ready: deque[Delivery] = deque()
        self._lock = threading.Lock()
        self.pending = 0
        self.lane: Lane[Delivery] = Lane(
            f"rule {entry.name}",
            pool,
            clock,
            limit=functions.reserve(entry.consumer) or CONCURRENCY,
            take=lambda: self._ready.popleft() if self._ready else None,
            work=self._deliver,
            more=lambda: bool(self._ready),
        )

    def add(self, delivery: Delivery) -> None:
        with self._lock:
            self.pending += 1
        if delivery.due > self._clock.timestamp():
            self._later(delivery)
        else:
            self._now(delivery)

    def _now(self, delivery: Delivery) -> None:
        self._ready.append(delivery)
        self.lane.wake()

    def _later(self, delivery: Delivery) -> None:
        self._clock.call_at(datetime.fromtimestamp(delivery.due, UTC), lambda: self._now(delivery))

    def _deliver(self, delivery: Delivery) -> None:
        event = json.loads(delivery.event)
        try:
            if self.entry.queue is not None:
                self._queue.send(self.entry.queue, [Message(event["detail"])])
            else:
                self._functions.invoke(self.entry.consumer, event, wait=True)
        except Exception as error:  # noqa: BLE001 - whatever a consumer raises is retried, then kept
            self._failed(delivery, type(error).__name__)
        else:
            self._over(delivery)

    def _failed(self, delivery: Delivery, error: str) -> None:
        delivery.attempts += 1
        if delivery.attempts <= len(BACKOFF_SECONDS):
            logger.warning("%s raised %s on an event; it is retried", self.entry.consumer, error)
            delivery.due = self._clock.timestamp() + BACKOFF_SECONDS[delivery.attempts - 1]
            self._bus.note(delivery)
            self._later(delivery)
            return
        logger.error("rule %s gave up on an event: %s", self.entry.name, error)
        attributes = {"ERROR_CODE": error, "RULE_ARN": arns.rule(self.entry.bus, self.entry.name)}
        letter = Message(json.loads(delivery.event), attributes=attributes)
        self._queue.send(self.entry.dead_letters, [letter])
        self._over(delivery)

    def _over(self, delivery: Delivery) -> None:
        with self._lock:
            self.pending -= 1
        self._bus.done(delivery)


def matches(rule: catalog.Rule, bus: str, event: Mapping[str, Any]) -> bool:
    """Whether the rule fits: bus, source, type, the values of detail fields (`context.by`), redrives only."""
    return (
        rule.bus == bus
        and event["source"] == rule.source
        and event["detail-type"] in rule.detail_types
        and all(_at(event["detail"], name) in values for name, values in rule.detail)
        and (not rule.redriven or _is_redriven(event["detail"]))
    )


def _is_redriven(detail: Mapping[str, Any]) -> bool:
    return int(detail.get("redriveCount") or 0) > 0 or "-r" in str(detail.get("name", ""))


def _at(detail: Any, path: str) -> Any:
    for name in path.split("."):
        detail = detail.get(name) if isinstance(detail, Mapping) else None
    return detail


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE IF NOT EXISTS bus_deliveries (id INTEGER PRIMARY KEY, rule TEXT NOT NULL,
        event TEXT NOT NULL, attempts INTEGER NOT NULL, due REAL NOT NULL)"""
    )


def _next_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(id) FROM bus_deliveries").fetchone()[0] or 0) + 1


def _report(error: BaseException | None) -> None:
    if error is not None:
        logger.error("the bus could not note a delivery: %s", type(error).__name__)
