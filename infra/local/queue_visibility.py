"""When messages may be taken: those delayed, those that come back from a receiver, those given up on."""

import heapq
import logging
from datetime import UTC, datetime

from infra.local import queue_rows
from infra.local.activity import RuntimeClock
from infra.local.queue_lines import Entry, QueueState

logger = logging.getLogger("usher.local")


class Visibility:
    """Stands messages in line when their moment comes.

    Args:
        queues: every queue by name, dead-letter queues among them.
    """

    def __init__(
        self, clock: RuntimeClock, journal: queue_rows.Journal, queues: dict[str, QueueState]
    ) -> None:
        self._clock, self._journal, self._queues = clock, journal, queues

    def place(self, place: QueueState, entries: list[Entry]) -> None:
        """Stand new entries in line, or aside until they are visible."""
        now, added = self._clock.timestamp(), False
        with place.lock:
            for entry in entries:
                if entry.visible_at > now:
                    place.delayed += 1
                    self.at(place, entry, entry.visible_at)
                elif place.max_receives and entry.receives >= place.max_receives:
                    self._bury(place, entry)
                else:
                    place.line.add(entry)
                    added = True
        if added:
            place.on_ready()

    def at(self, place: QueueState, entry: Entry, moment: float) -> None:
        """Have `due` look at the entry at `moment`; called under the lock."""
        entry.visible_at = moment
        heapq.heappush(place.later, (moment, entry.id, entry))
        if place.timer is None or place.timer.cancelled or moment < place.timer.due:
            self._arm(place)

    def _arm(self, place: QueueState) -> None:
        if place.timer is not None:
            place.timer.cancel()
        place.timer = None
        if place.later:
            moment = datetime.fromtimestamp(place.later[0][0], UTC)
            place.timer = self._clock.call_at(moment, lambda: self.due(place))

    def due(self, place: QueueState) -> None:
        """Messages became visible; entries of the heap that are outdated say so by another `visible_at`."""
        with place.lock:
            now = self._clock.timestamp() + 1e-6  # a timer's moment is rounded to the microsecond
            came = False
            while place.later and place.later[0][0] <= now:
                moment, _, entry = heapq.heappop(place.later)
                if entry.visible_at != moment or entry.receipt in place.held:
                    continue
                came = self._comes_back(place, entry) or came
            self._arm(place)
        if came:
            place.on_ready()

    def _comes_back(self, place: QueueState, entry: Entry) -> bool:
        """Put the entry in line again, or give up on it; returns whether anything may be taken now."""
        delayed = entry.receipt is None
        if delayed:
            place.delayed -= 1
        else:
            del place.in_flight[entry.receipt or ""]
            entry.receipt = None
        if place.max_receives is not None and entry.receives >= place.max_receives:
            if not delayed:
                place.line.gone(entry)
            self._bury(place, entry)
            return place.fifo  # the rest of its group may go on
        (place.line.add if delayed else place.line.back)(entry)
        return True

    def _bury(self, place: QueueState, entry: Entry) -> None:
        """Move a message to the dead-letter queue; were that lost in a crash, loading would do it again."""
        dead = self._queues[place.dead_letters or ""]
        entry.attributes = entry.attributes | {"DeadLetterQueueSourceArn": place.arn}
        entry.visible_at = 0.0
        rows = [queue_rows.moved(dead.name, entry)]
        self._journal.move(rows)
        logger.warning("queue %s gave up on message %s", place.name, entry.message_id)
        with dead.lock:
            dead.line.add(entry)
        dead.on_ready()
