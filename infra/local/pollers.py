"""Event-source mappings: batches of a queue's messages handed to its consumer as Lambda's SQS events."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any

from infra import catalog
from infra.local import arns
from infra.local.activity import RuntimeClock
from infra.local.functions import Functions
from infra.local.lanes import Lane
from infra.local.queue_lines import Received
from infra.local.queues import LocalQueue

logger = logging.getLogger("usher.local")

QUIET_SECONDS = 0.2  # business time without a new message after which a window is not waited out


class Poller:
    """Feeds one queue to its consumer: batches of up to `batch_size`, at most `max_concurrency` at a time.

    What the consumer names in `batchItemFailures` comes again after the visibility timeout, the rest is
    deleted; an exception brings the whole batch back. Of a FIFO queue everything that follows a failed
    message in its group is kept back too.

    A batch window is kept as on AWS while messages go on coming, and cut short when none has come for
    QUIET_SECONDS: there the last one of a rush waits the window out, here somebody is watching it.
    """

    def __init__(
        self,
        entry: catalog.Queue,
        queue: LocalQueue,
        functions: Functions,
        pool: Executor,
        clock: RuntimeClock,
    ) -> None:
        self._entry = entry
        self._queue = queue
        self._functions = functions
        self._clock = clock
        self._arn = queue.arn(entry.name)
        self._window: datetime | None = None  # until when a small batch is held open at most
        self._quiet = (0, datetime.min.replace(tzinfo=UTC))  # how many were ready, and until when that counts
        self._look_again = self._quiet[1]
        self.lane: Lane[list[Received]] = Lane(
            f"queue {entry.name}",
            pool,
            clock,
            limit=entry.max_concurrency,
            take=self._take,
            work=self._deliver,
            more=lambda: queue.ready(entry.name) > 0,
        )
        queue.on_ready(entry.name, self.lane.wake)

    def _take(self) -> list[Received] | None:
        if self._entry.batch_window_seconds and self._held_open():
            return None
        return self._queue.receive(self._entry.name, self._entry.batch_size, hold=True) or None

    def _held_open(self) -> bool:
        """Whether a batch that is not full may still wait for more; sees to it that somebody looks again.

        Called under the lane's lock.
        """
        ready, now = self._queue.ready(self._entry.name), self._clock.now()
        if ready == 0 or ready >= self._entry.batch_size:
            self._window = None
            return False
        if self._window is None:
            self._window = now + timedelta(seconds=self._entry.batch_window_seconds)
            self._quiet = (0, now)
        if ready != self._quiet[0]:
            self._quiet = (ready, now + timedelta(seconds=QUIET_SECONDS))
        until = min(self._window, self._quiet[1])
        if now >= until:
            self._window = None
            return False
        if self._look_again <= now:
            self._look_again = until
            self._clock.call_at(until, self.lane.wake)
        return True

    def _deliver(self, batch: list[Received]) -> None:
        event = sqs_event(batch, self._arn)
        try:
            answer = self._functions.invoke(self._entry.consumer, event, wait=True)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, its batch comes back
            name, consumer = type(error).__name__, self._entry.consumer
            logger.warning("%s raised %s; its batch of %d comes back", consumer, name, len(batch))
            failed = {message.message_id for message in batch}
        else:
            failed = failures(answer, [message.message_id for message in batch])
        keep = _kept_back(batch, failed) if self._entry.fifo else failed
        if keep:
            back = [message.receipt for message in batch if message.message_id in keep]
            self._queue.give_back(self._entry.name, back)
        done = [message.receipt for message in batch if message.message_id not in keep]
        if done:
            self._queue.delete(self._entry.name, done, wait=False)


def failures(answer: Any, ids: Sequence[str]) -> set[str]:
    """The ids a handler's answer names as failed; all of them when it makes no sense.

    Lambda's rules but one: an object without `batchItemFailures` is taken for a misspelling, not success.
    """
    if answer is None or answer == {}:
        return set()
    everything = set(ids)
    items = answer.get("batchItemFailures", everything) if isinstance(answer, dict) else everything
    if items is None:
        return set()
    if not isinstance(items, list):
        return everything
    named = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in items}
    return {str(id) for id in named} if named <= everything else everything


def _kept_back(batch: Iterable[Received], failed: set[str]) -> set[str]:
    groups: set[str | None] = set()
    keep: set[str] = set()
    for message in batch:
        if message.message_id in failed:
            groups.add(message.group)
        if message.group in groups:
            keep.add(message.message_id)
    return keep


def sqs_event(batch: Iterable[Received], arn: str) -> dict[str, Any]:
    """The event Lambda's SQS event source hands to a function."""
    return {"Records": [_record(message, arn) for message in batch]}


def _record(message: Received, arn: str) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "SenderId": arns.ACCOUNT,
        "ApproximateFirstReceiveTimestamp": str(int((message.first_received_at or 0.0) * 1000)),
    }
    if message.deduplication_id is not None:
        attributes["SequenceNumber"] = f"{message.id:020d}"
        attributes["MessageGroupId"] = message.group or ""
        attributes["MessageDeduplicationId"] = message.deduplication_id
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {
            name: {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in message.attributes.items()
        },
        "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arns.REGION,
    }
