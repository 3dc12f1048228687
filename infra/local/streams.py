"""Streams of one machine: a table's changes handed to a function in order, as Lambda's DynamoDB events."""

import logging
import sqlite3
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any

from infra import catalog
from infra.local import arns
from infra.local.activity import RuntimeClock
from infra.local.database import Database
from infra.local.functions import Functions
from infra.local.lanes import Lane
from infra.local.pollers import failures
from infra.local.queues import LocalQueue
from infra.local.store.stream import Record, Stream
from usher.ports.queue import Message

logger = logging.getLogger("usher.local")

MAX_BACKOFF_SECONDS = 60


class StreamConsumer:
    """Feeds one stream to its function, one batch at a time: that alone keeps the order of every partition.

    A failed batch is tried again from its first failed record, in ever smaller batches, until the record
    that fails stands alone; after `max_attempts` its key goes to the dead-letter queue and the rest goes on.
    The stream itself is the checkpoint: what was dealt with is trimmed. Attempts survive a restart.
    """

    def __init__(
        self,
        entry: catalog.Stream,
        stream: Stream,
        functions: Functions,
        queue: LocalQueue,
        database: Database,
        pool: Executor,
        clock: RuntimeClock,
    ) -> None:
        self.table = entry.table
        self._entry = entry
        self._stream = stream
        self._functions = functions
        self._queue = queue
        self._database = database
        self._clock = clock
        database.write(_create)
        found = database.reader().execute(
            "SELECT attempts FROM stream_attempts WHERE stream = ?", (entry.table,)
        )
        self._attempts = next((int(row[0]) for row in found), 0)
        self._backing_off = False
        self.lane: Lane[list[Record]] = Lane(
            f"stream {entry.table}",
            pool,
            clock,
            limit=1,
            take=self._take,
            work=self._deliver,
        )
        stream.subscribe(self.lane.wake)

    def caught_up(self) -> bool:
        """Whether every change was dealt with."""
        return not self._stream.read(limit=1)

    def _take(self) -> list[Record] | None:
        if self._backing_off:
            return None
        last_try = self._attempts >= self._entry.max_attempts - 1 > 0
        limit = 1 if last_try else max(1, self._entry.batch_size >> self._attempts)
        return self._stream.read(limit=limit) or None

    def _deliver(self, records: list[Record]) -> None:
        ids = [_sequence(record) for record in records]
        try:
            answer = self._functions.invoke(self._entry.consumer, {"Records": records}, wait=True)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, its batch comes again
            logger.warning("%s raised %s on a stream batch", self._entry.consumer, type(error).__name__)
            failed = set(ids)
        else:
            failed = failures(answer, ids)
        first = next((position for position, id in enumerate(ids) if id in failed), None)
        if first is None:
            self._done(records[-1])
        else:
            if first > 0:
                self._done(records[first - 1])
            self._failed(records[first], alone=len(records) == 1)

    def _done(self, record: Record) -> None:
        self._stream.advance(int(_sequence(record)))
        if self._attempts:
            self._note(0)

    def _failed(self, record: Record, *, alone: bool) -> None:
        self._note(self._attempts + 1)
        if alone and self._attempts >= self._entry.max_attempts:
            self._give_up(record)
            return
        self._backing_off = True
        seconds = min(2.0 ** (self._attempts - 1), MAX_BACKOFF_SECONDS)
        self._clock.call_at(self._clock.now() + timedelta(seconds=seconds), self._again)

    def _again(self) -> None:
        self._backing_off = False
        self.lane.wake()

    def _give_up(self, record: Record) -> None:
        """What Lambda sends to an on-failure destination, and the key, so that the item can be found."""
        body = {
            "requestContext": {
                "functionArn": arns.function(self._entry.consumer),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self._attempts,
            },
            "DDBStreamBatchInfo": {
                "startSequenceNumber": _sequence(record),
                "endSequenceNumber": _sequence(record),
                "batchSize": 1,
                "streamArn": self._stream.arn,
            },
            "keys": record["dynamodb"]["Keys"],
        }
        self._queue.send(self._entry.dead_letters, [Message(body)])
        logger.error("stream %s gave up on record %s", self._entry.table, _sequence(record))
        self._done(record)

    def _note(self, attempts: int) -> None:
        self._attempts = attempts
        row = (self._entry.table, attempts)
        self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO stream_attempts VALUES (?, ?)", row))


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS stream_attempts (stream TEXT PRIMARY KEY, attempts INTEGER NOT NULL)"
    )


def _sequence(record: Record) -> str:
    sequence: Any = record["dynamodb"]["SequenceNumber"]
    return str(sequence)
