"""The non-vendor ports in memory: they keep what they are given, and fail when a test says so."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from usher.domain.errors import Conflict, NotFound, StoreUnavailable
from usher.ports.queue import Message
from usher.ports.store import Delete, Equals, Item, Key, Page, Put, SortCondition, Store, Update, Write
from usher.ports.workflows import Execution, ExecutionStatus

T = TypeVar("T")


@dataclass
class Fault:
    """One call of `operation` that fails after `skip` others, before or after it took effect.

    `meanwhile` runs in its place of failing: what another writer does between two calls of ours.
    """

    operation: str
    skip: int = 0
    after_effect: bool = False
    meanwhile: Callable[[], None] | None = None


class FaultyStore:
    """A store that passes every call on, except those it was told to fail."""

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.faults: list[Fault] = []
        self.is_down = False

    def fail(self, operation: str, *, skip: int = 0, after_effect: bool = False) -> None:
        """Fail one call of get, write, transact or query."""
        self.faults.append(Fault(operation, skip, after_effect))

    def meanwhile(self, operation: str, do: Callable[[], None], *, skip: int = 0) -> None:
        """Let somebody else act just before one call."""
        self.faults.append(Fault(operation, skip, meanwhile=do))

    def get(self, table: str, key: Key) -> Item | None:
        return self._call("get", lambda: self.inner.get(table, key))

    def get_all(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        return self._call("get", lambda: self.inner.get_all(table, keys))

    def write(self, write: Put | Update | Delete) -> Item | None:
        return self._call("write", lambda: self.inner.write(write))

    def transact(self, writes: Sequence[Write]) -> None:
        self._call("transact", lambda: self.inner.transact(writes))

    def query(
        self,
        table: str,
        partition: Equals,
        *,
        index: str | None = None,
        sort: SortCondition | None = None,
        limit: int = 100,
        cursor: str | None = None,
        descending: bool = False,
    ) -> Page:
        return self._call(
            "query",
            lambda: self.inner.query(
                table, partition, index=index, sort=sort, limit=limit, cursor=cursor, descending=descending
            ),
        )

    def _call(self, operation: str, call: Callable[[], T]) -> T:
        if self.is_down:
            raise StoreUnavailable("the store is down")
        fault = next((fault for fault in self.faults if fault.operation == operation), None)
        if fault is None:
            return call()
        if fault.skip:
            fault.skip -= 1
            return call()
        self.faults.remove(fault)
        if fault.meanwhile is not None:
            fault.meanwhile()
            return call()
        if fault.after_effect:
            call()
        raise StoreUnavailable(f"the store failed a {operation}")


@dataclass
class RecordingQueue:
    """`sent` as (queue, message), `hurried` as (queue, receipts, seconds); `outages` calls fail first."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    hurried: list[tuple[str, list[str], int]] = field(default_factory=list)
    outages: int = 0

    def send(self, queue: str, messages: Sequence[Message]) -> None:
        self._maybe_fail()
        self.sent.extend((queue, message) for message in messages)

    def retry_soon(self, queue: str, receipts: Sequence[str], *, seconds: int) -> None:
        self._maybe_fail()
        self.hurried.append((queue, list(receipts), seconds))

    def _maybe_fail(self) -> None:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("the queue is down")

    def take(self) -> list[tuple[str, Message]]:
        """What was sent since the last look."""
        taken, self.sent = self.sent, []
        return taken


@dataclass
class RecordingBus:
    """`published` in order; events of a type in `refuses` are refused, all of them while `is_down`."""

    published: list[dict[str, Any]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    is_down: bool = False

    def publish(self, events: Sequence[dict[str, Any]]) -> list[int]:
        if self.is_down:
            raise StoreUnavailable("the bus is down")
        refused = [position for position, event in enumerate(events) if event["type"] in self.refuses]
        self.published.extend(event for position, event in enumerate(events) if position not in refused)
        return refused


@dataclass
class RecordingWorkflows:
    """`started` by name: its workflow and input, the first of each name.

    `told` by token: the output, or the (error, cause), that it was answered with first; later answers and
    those of tokens in `nobody_waits` find nobody. `ended` by name: how and when an execution ended that runs
    no more; `redriven` ids in order, and `spent` names that can never be.
    """

    started: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    nobody_waits: set[str] = field(default_factory=set)
    ended: dict[str, tuple[ExecutionStatus, datetime]] = field(default_factory=dict)
    redriven: list[str] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    calls: int = 0
    outages: int = 0

    def start(self, workflow: str, *, name: str, input: Mapping[str, Any]) -> str:
        self.calls += 1
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("workflows cannot be started")
        self.started.setdefault(name, (workflow, dict(input)))
        return self.execution_id(workflow, name)

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        return self._tell(token, dict(output))

    def fail(self, token: str, *, error: str, cause: str) -> bool:
        return self._tell(token, (error, cause))

    def _tell(self, token: str, answer: dict[str, Any] | tuple[str, str]) -> bool:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("tokens cannot be answered")
        if token in self.told or token in self.nobody_waits:
            return False
        self.told[token] = answer
        return True

    def describe(self, execution_id: str) -> Execution | None:
        workflow, _, name = execution_id.partition(":")
        if name not in self.started:
            return None
        status, stopped = self.ended.get(name, ("RUNNING", None))
        return Execution(execution_id, name, workflow, status, datetime(2025, 1, 1, tzinfo=UTC), stopped)

    def execution_id(self, workflow: str, name: str) -> str:
        return f"{workflow}:{name}"

    def redrive(self, execution_id: str) -> None:
        _, _, name = execution_id.partition(":")
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("workflows cannot be redriven")
        if name not in self.ended:
            raise NotFound(f"there is no failed execution {execution_id}")
        if name in self.spent:
            raise Conflict(f"{execution_id} is not redrivable: its event history is full")
        del self.ended[name]
        self.redriven.append(execution_id)


@dataclass
class MemoryBlobs:
    """Blobs by key."""

    content: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        self.content[key] = content

    def get(self, key: str) -> bytes | None:
        return self.content.get(key)


class FixedSecrets:
    """Secrets by name, the current value first; `rotate` keeps one former value."""

    def __init__(self, **values: str) -> None:
        self._values: dict[str, tuple[str, ...]] = {name: (value,) for name, value in values.items()}
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        return self.active(name)[0]

    def active(self, name: str) -> tuple[str, ...]:
        try:
            return self._values[name]
        except KeyError:
            raise NotFound(f"there is no secret {name}") from None

    def rotate(self, name: str, value: str) -> None:
        """Make `value` the current one; the former one stays valid, the one before retires."""
        with self._lock:
            self._values[name] = (value, self._values[name][0])
