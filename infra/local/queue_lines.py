"""A queue's messages in memory, and the order they are taken in: any, or first in first out per group."""

import heapq
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from infra.local.timers import Timer


@dataclass(slots=True, eq=False)
class Entry:
    """One message of a queue as memory holds it; SQLite holds the same. Times: business epoch seconds."""

    id: int  # rises with every send: the order
    message_id: str
    body: str
    attributes: dict[str, str]
    group: str | None
    deduplication_id: str | None
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    first_received_at: float | None = None
    receipt: str | None = None  # of the receive that holds it now
    received_at: float = 0.0


class Line(Protocol):
    """What can be taken now, in order."""

    def add(self, entry: Entry) -> None:
        """A message that may be taken from now on."""

    def take(self, n: int) -> list[Entry]:
        """Up to n messages, no longer in line."""

    def back(self, entry: Entry) -> None:
        """A taken message may be taken again."""

    def gone(self, entry: Entry) -> None:
        """A taken message will not come back."""

    def ready(self) -> int:
        """How many could be taken now."""

    def closed(self) -> int:
        """How many stand in line and could not be taken now."""

    def entries(self) -> list[Entry]:
        """All that stand in line."""


class Standard:
    """Roughly first in, first out; a message that comes back stands at the end."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    back = add

    def take(self, n: int) -> list[Entry]:
        return [self._entries.popleft() for _ in range(min(n, len(self._entries)))]

    def gone(self, entry: Entry) -> None:
        """Nothing waits for it."""

    def ready(self) -> int:
        return len(self._entries)

    def closed(self) -> int:
        return 0

    def entries(self) -> list[Entry]:
        return list(self._entries)


@dataclass(slots=True)
class _Group:
    waiting: list[tuple[int, Entry]] = field(default_factory=list)  # a heap by id
    taken: int = (
        0  # messages that were taken and neither deleted nor back: the group is closed while there are
    )


class Fifo:
    """First in, first out in each group; one with messages out is closed until they are deleted or back."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._open: deque[str] = deque()  # groups that have messages waiting and none taken
        self._ready = 0

    def add(self, entry: Entry) -> None:
        name = entry.group or ""
        group = self._groups.setdefault(name, _Group())
        if not group.taken:
            self._ready += 1
            if not group.waiting:
                self._open.append(name)
        heapq.heappush(group.waiting, (entry.id, entry))

    def take(self, n: int) -> list[Entry]:
        taken: list[Entry] = []
        while self._open and len(taken) < n:
            group = self._groups[self._open.popleft()]
            self._ready -= len(group.waiting)
            while group.waiting and len(taken) < n:
                taken.append(heapq.heappop(group.waiting)[1])
                group.taken += 1
        return taken

    def back(self, entry: Entry) -> None:
        heapq.heappush(self._groups[entry.group or ""].waiting, (entry.id, entry))
        self.gone(entry)

    def gone(self, entry: Entry) -> None:
        name = entry.group or ""
        group = self._groups[name]
        group.taken -= 1
        if group.taken:
            return
        if group.waiting:
            self._open.append(name)
            self._ready += len(group.waiting)
        else:
            del self._groups[name]

    def ready(self) -> int:
        return self._ready

    def closed(self) -> int:
        return sum(len(group.waiting) for group in self._groups.values()) - self._ready

    def entries(self) -> list[Entry]:
        return [entry for group in self._groups.values() for _, entry in sorted(group.waiting)]


@dataclass(frozen=True, slots=True)
class Received:
    """A message in somebody's hands, until deleted or its visibility timeout ends. Times: epoch seconds."""

    id: int
    message_id: str
    receipt: str
    body: str
    attributes: dict[str, str]
    group: str | None
    deduplication_id: str | None
    sent_at: float
    first_received_at: float | None
    receives: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds: to be taken now, in somebody's hands, and delayed or backing off."""

    ready: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.ready + self.in_flight + self.delayed


@dataclass(slots=True)
class QueueState:
    """What memory knows of one queue; guarded by `lock`."""

    name: str
    arn: str
    line: Line
    fifo: bool = False
    visibility: float = 30.0
    max_receives: int | None = None  # None: a dead-letter queue, messages come back for ever
    dead_letters: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    in_flight: dict[str, Entry] = field(default_factory=dict)  # by receipt
    held: set[str] = field(default_factory=set)  # receipts in the hands of a poller: no timeout runs
    later: list[tuple[float, int, Entry]] = field(default_factory=list)  # heap by visible_at; may be outdated
    delayed: int = 0
    timer: Timer | None = None
    on_ready: Callable[[], None] = lambda: None


def as_received(entry: Entry) -> Received:
    """The entry as its receiver sees it."""
    return Received(
        entry.id,
        entry.message_id,
        entry.receipt or "",
        entry.body,
        entry.attributes,
        entry.group,
        entry.deduplication_id,
        entry.sent_at,
        entry.first_received_at,
        entry.receives,
    )
