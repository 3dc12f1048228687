"""Queues of one machine: SQS's promises (visibility, receive count, delay, dead letters, FIFO) in SQLite."""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from infra import catalog
from infra.local import arns, queue_rows
from infra.local.activity import RuntimeClock
from infra.local.commit_group import Part
from infra.local.database import Database
from infra.local.queue_lines import Depth, Entry, Fifo, QueueState, Received, Standard, as_received
from infra.local.queue_rows import new_entry
from infra.local.queue_visibility import Visibility
from usher.domain.errors import NotFound
from usher.ports.queue import Message

logger = logging.getLogger("usher.local")
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages on their way into a queue."""

    place: QueueState
    entries: list[Entry]
    part: Part


class LocalQueue:
    """All queues of one machine; implements ports.queue.Queue.

    Memory holds the order, SQLite the truth: a send has returned once it is on disk, and a new process
    finds every message that was not deleted, those that were in flight at once ready again.

    Args:
        queues: each comes with its dead-letter queue.
        dead_letter_queues: further queues without a consumer (of rules, streams and schedules).
    """

    def __init__(
        self,
        database: Database,
        queues: Iterable[catalog.Queue],
        clock: RuntimeClock,
        *,
        dead_letter_queues: Iterable[str] = (),
    ) -> None:
        self._clock = clock
        self._queues: dict[str, QueueState] = {}
        for queue in queues:
            self._add_consumed(queue)
        for name in dead_letter_queues:
            self._queues[name] = QueueState(name, arns.queue(name), Standard())
        database.write(queue_rows.create)
        self._journal = queue_rows.Journal(database)
        self._visibility = Visibility(clock, self._journal, self._queues)
        self._place, self._at = self._visibility.place, self._visibility.at
        self._ids = itertools.count(database.write(queue_rows.next_id))
        self._load(database)

    def _add_consumed(self, queue: catalog.Queue) -> None:
        kind = Fifo if queue.fifo else Standard
        self._queues[queue.name] = QueueState(
            queue.name,
            arns.queue(queue.name, fifo=queue.fifo),
            kind(),
            fifo=queue.fifo,
            visibility=queue.visibility_seconds,
            max_receives=queue.max_receives,
            dead_letters=queue.dead_letters,
        )
        dead = arns.queue(queue.dead_letters, fifo=queue.fifo)
        self._queues[queue.dead_letters] = QueueState(
            queue.dead_letters, dead, kind(), fifo=queue.fifo, visibility=queue.visibility_seconds
        )

    def _load(self, database: Database) -> None:
        for name, entry in queue_rows.load(database):
            if name not in self._queues:
                logger.warning(
                    "message %s waits in queue %s, which is no longer there", entry.message_id, name
                )
                continue
            if self._queues[name].fifo:
                entry.visible_at = 0.0  # a back-off cut short keeps the order, a delayed first would not
            self._place(self._queues[name], [entry])

    @property
    def names(self) -> tuple[str, ...]:
        """Every queue, dead-letter queues included."""
        return tuple(self._queues)

    def arn(self, queue: str) -> str:
        return self._of(queue).arn

    def on_ready(self, queue: str, callback: Callable[[], None]) -> None:
        """Call back, from any thread, whenever messages of the queue may be taken that could not before."""
        self._of(queue).on_ready = callback

    def send(self, queue: str, messages: Sequence[Message]) -> None:
        """Returns once all messages are on disk. Raises StoreUnavailable, InvalidCommand, NotFound."""
        self.send_all(queue, messages)

    def send_all(self, queue: str, messages: Sequence[Message]) -> list[str]:
        """`send` that returns the ids of the messages (fresh ones too for what is sent a second time)."""
        sending = self.sending(queue, messages)
        self._journal.insert(sending.part)
        self.sent(sending)
        return [entry.message_id for entry in sending.entries]

    def sending(self, queue: str, messages: Sequence[Message]) -> Sending:
        """Messages ready for a commit, beside others' writes; `sent` once it is made. Raises as `send`."""
        place, now = self._of(queue), self._clock.timestamp()
        entries = [new_entry(next(self._ids), message, now, fifo=place.fifo) for message in messages]
        return Sending(place, entries, self._journal.insertion(queue, entries, now, once=place.fifo))

    def sent(self, sending: Sending) -> None:
        """They are on disk: consumers may have them."""
        _, item = sending.part
        self._place(sending.place, item.fresh if isinstance(item, queue_rows.Once) else sending.entries)

    def receive(self, queue: str, n: int = 10, *, hold: bool = False) -> list[Received]:
        """Take up to n messages that are ready; never waits.

        With `hold` no visibility timeout runs while the caller, which must end with `delete` or
        `give_back`, works: a poller knows that its function is alive, and a crash frees all holds.
        """
        place = self._of(queue)
        with place.lock:
            taken = place.line.take(n)
            now = self._clock.timestamp() if taken else 0.0
            for entry in taken:
                entry.receives += 1
                entry.received_at = now
                entry.first_received_at = entry.first_received_at or now
                entry.receipt = f"{entry.message_id}.{entry.receives}"
                place.in_flight[entry.receipt] = entry
                if hold:
                    place.held.add(entry.receipt)
                else:
                    self._at(place, entry, now + place.visibility)
            rows = [queue_rows.received(entry) for entry in taken]
            received = [as_received(entry) for entry in taken]
        if rows:
            self._journal.update(rows)
        return received

    def delete(self, queue: str, receipts: Iterable[str], *, wait: bool = True) -> None:
        """Done with these messages; receipts that are outdated are ignored, as SQS does.

        Without `wait` the deletion may be lost in a crash, and the message then comes once more.
        """
        place = self._of(queue)
        with place.lock:
            gone = [entry for receipt in receipts if (entry := place.in_flight.pop(receipt, None))]
            for entry in gone:
                place.held.discard(entry.receipt or "")
                entry.receipt, entry.visible_at = None, _NEVER
                place.line.gone(entry)
            opened = place.fifo and bool(gone) and place.line.ready() > 0
        if not gone:
            return
        self._journal.delete([entry.id for entry in gone], wait=wait)
        if opened:
            place.on_ready()

    def give_back(self, queue: str, receipts: Iterable[str]) -> None:
        """Not done with these: each is ready again when the visibility timeout of its receive ends.

        One whose visibility was changed meanwhile keeps the time it was given.
        """
        place = self._of(queue)
        with place.lock:
            entries = [place.in_flight[receipt] for receipt in receipts if receipt in place.held]
            for entry in entries:
                place.held.discard(entry.receipt or "")
                self._at(place, entry, entry.received_at + place.visibility)
            rows = [queue_rows.received(entry, entry.visible_at) for entry in entries]
        self._journal.update(rows)

    def retry_soon(self, queue: str, receipts: Sequence[str], *, seconds: int) -> None:
        for receipt in receipts:
            with contextlib.suppress(NotFound):
                self.change_visibility(queue, receipt, seconds)

    def change_visibility(self, queue: str, receipt: str, seconds: float) -> None:
        """Ready again `seconds` from now (0: at once). Raises NotFound when the receipt is outdated."""
        place = self._of(queue)
        with place.lock:
            entry = place.in_flight.get(receipt)
            if entry is None:
                raise NotFound(f"queue {queue}: the receipt is outdated")
            place.held.discard(receipt)
            self._at(place, entry, self._clock.timestamp() + seconds)
            row = queue_rows.received(entry, entry.visible_at)
        self._journal.update([row])
        if seconds <= 0:
            self._visibility.due(place)

    def ready(self, queue: str) -> int:
        """How many messages could be taken now."""
        return self._of(queue).line.ready()

    def depth(self, queue: str) -> Depth:
        """How many messages the queue holds, by what becomes of them."""
        place = self._of(queue)
        with place.lock:
            return Depth(place.line.ready(), len(place.in_flight), place.delayed + place.line.closed())

    def dead_letters(self, queue: str) -> list[Received]:
        """The messages given up on, oldest first; they stay. Takes the queue's or the DLQ's name."""
        place = self._of(self._of(queue).dead_letters or queue)
        with place.lock:
            entries = [*place.line.entries(), *place.in_flight.values()]
        return [as_received(entry) for entry in sorted(entries, key=lambda entry: entry.id)]

    def redrive_dead_letters(self, queue: str) -> int:
        """Put every dead letter back into its queue with a receive count of 0; returns how many."""
        place = self._of(queue)
        dead = self._of(place.dead_letters or "")
        with dead.lock:
            entries = dead.line.take(dead.line.ready())
            for entry in entries:
                dead.line.gone(entry)
                entry.receives, entry.visible_at, entry.first_received_at = 0, 0.0, None
                entry.attributes = {k: v for k, v in entry.attributes.items() if k not in queue_rows.DEAD}
        rows = [queue_rows.moved(queue, entry) for entry in entries]
        self._journal.move(rows, wait=True)
        self._place(place, entries)
        return len(entries)

    def _of(self, queue: str) -> QueueState:
        try:
            return self._queues[queue]
        except KeyError as error:
            raise NotFound(f"infra/catalog.py lists no queue {queue!r}") from error
