"""Counts what one deployment uses, where it is used: at the ports, the queues, the functions and the log.

Nothing is estimated here. Ports are wrapped in what AWS would count, by catalog entry; functions in the CPU
that their own code takes (without the store's, the stand-ins' and the engine's, which are not theirs on AWS).
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from benchmarks.cost_durations import Use
from infra import catalog
from infra.traced import traced

EVENT_CHUNK = PAYLOAD_CHUNK = 64 * 1024
API_CHUNK = 512 * 1024
BATCH = 10  # messages of a request, of a receive and of a deletion
SAMPLED_PER_SECOND, SAMPLED_SHARE = 1, 0.05  # X-Ray's rule, for each function and workflow by itself
KEY_KEPT_SECONDS = 300  # DynamoDB asks KMS again for a role and table after so long

# A line of the HTTP API's access log, by the format in infra/aws/edge.py.
ACCESS_LINE = json.dumps(
    {
        "request_id": "JKJaXmPLvHcESHA=",
        "time": "20/Nov/2026:08:00:00 +0000",
        "route": "POST /webhooks/signup",
        "status": "202",
        "bytes": "231",
        "milliseconds": "48",
        "integration_milliseconds": "46",
        "integration_error": "-",
        "authorizer_error": "-",
    }
)
LINE_OVERHEAD = 26  # bytes CloudWatch Logs adds to each event
REQUEST_HEAD, ANSWER_HEAD = 300, 250  # bytes of TLS records, request or status line and usual headers


@dataclass(slots=True)
class _Frame:
    """An invocation under way in this thread."""

    use: Use
    outside: float = 0.0  # CPU that is not the function's own


@dataclass(slots=True)
class Meter:
    """What was used so far.

    Attributes:
        counted: quantities by the names of benchmarks/cost_prices.py.
        uses: by function.
        answers: what collectors' own threads called, many at a time.
        writes, logs: units and bytes by table and by writer, to see what is dear.
    """

    now: Callable[[], float]
    counted: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    uses: dict[str, Use] = field(default_factory=dict)
    answers: Use = field(default_factory=lambda: Use(512))
    writes: Counter[str] = field(default_factory=Counter)
    reads: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    logs: Counter[str] = field(default_factory=Counter)
    roots: Counter[tuple[str, int]] = field(default_factory=Counter)
    key_asks: set[tuple[str, str, int]] = field(default_factory=set)
    secret_asks: set[tuple[str, str, int]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    local: threading.local = field(default_factory=threading.local)

    def add(self, name: str, quantity: float) -> None:
        with self.lock:
            self.counted[name] += quantity

    @property
    def frame(self) -> _Frame | None:
        found: _Frame | None = getattr(self.local, "frame", None)
        return found

    @property
    def function(self) -> str:
        return getattr(self.local, "path", "-")

    @contextmanager
    def outside(self, kind: str | None = None, *, vendor: bool = False) -> Iterator[None]:
        """What is done inside is a call of AWS of this kind (or of a vendor), and its CPU nobody's."""
        frame, began = self.frame, time.thread_time()
        try:
            yield
        finally:
            with self.lock:
                use = frame.use if frame is not None else self.answers
                if kind is not None:
                    (use.vendor_calls if vendor else use.aws_calls)[kind] += 1
                if frame is not None:
                    frame.outside += time.thread_time() - began

    def written(self, table: str, units: int) -> None:
        with self.lock:
            self.counted["write_unit"] += units
            self.writes[table] += units
            self._asked_key(table)

    def read(self, table: str, units: float) -> None:
        with self.lock:
            self.counted["read_unit"] += units
            self.reads[table] += units
            self._asked_key(table)

    def _asked_key(self, table: str) -> None:
        self.key_asks.add((self.function, table, int(self.now() // KEY_KEPT_SECONDS)))

    def line(self, whose: str, text: str) -> None:
        """A line of a log that CloudWatch takes in."""
        size = len(text.encode()) + LINE_OVERHEAD
        with self.lock:
            self.counted["log_byte"] += size
            self.logs[whose] += size

    def root(self, root: str) -> None:
        """Something began that no caller's trace goes on in."""
        with self.lock:
            self.roots[root, int(self.now())] += 1

    def totals(self) -> dict[str, float]:
        """`counted` with what comes of the rest but for durations: traces, keys, secrets, masked bytes."""
        found = dict(self.counted)
        found["masked_byte"] = found["log_byte"]
        found["trace"] = sum(sampled(count) for count in self.roots.values())
        peaks = {name: max(1, use.peak) for name, use in self.uses.items()}
        secrets = sum(peaks.get(function, 1) for function, _, _ in self.secret_asks)
        found["secret_request"] = secrets
        found["key_request"] = len(self.key_asks) + secrets
        found["invocation"] = sum(use.invocations for use in self.uses.values())
        return found

    # -- functions -----------------------------------------------------------------------------------------

    def invoking(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        """Functions.invoke, counted."""
        memory = {entry.path: entry.memory_mb for entry in catalog.FUNCTIONS}

        def counted(path: str, event: dict[str, Any], *, wait: bool = False) -> Any:
            with self.lock:
                use = self.uses.setdefault(path, Use(memory[path]))
                use.invocations += 1
                use.in_flight += 1
                use.peak = max(use.peak, use.in_flight)
            self._arrived(path, event)
            frame = _Frame(use)
            self.local.frame, self.local.path = frame, path
            began = time.thread_time()
            answer = None
            try:
                answer = invoke(path, event, wait=wait)
                return answer
            finally:
                own = time.thread_time() - began - frame.outside
                self.local.frame, self.local.path = None, "-"
                with self.lock:
                    use.cpu_seconds += own
                    use.in_flight -= 1
                self._left(event, answer)

        return counted

    def _arrived(self, path: str, event: Mapping[str, Any]) -> None:
        if path in traced() and "entered_at" not in event:  # a step's trace is its execution's
            self.root(path)
        if "requestContext" in event:
            self.add("http_request", ceil(max(1, len(event["body"])) / API_CHUNK))
            self.line("access log", ACCESS_LINE)

    def _left(self, event: Mapping[str, Any], answer: Any) -> None:
        if "requestContext" in event:
            self.add("byte_out", ANSWER_HEAD + len(answer["body"]) if answer else ANSWER_HEAD)
        records = event.get("Records") or [{}]
        if records[0].get("eventSource") == "aws:sqs":
            failed = len(answer["batchItemFailures"]) if answer else len(records)
            kind = "fifo_request" if records[0]["eventSourceARN"].endswith(".fifo") else "queue_request"
            self.add(kind, ceil(len(records) / BATCH) + ceil((len(records) - failed) / BATCH))

    # -- queues, the bus, workflows ------------------------------------------------------------------------

    def sending(self, send_all: Callable[..., list[str]]) -> Callable[..., list[str]]:
        """LocalQueue.send_all, counted: whoever sends, a function, a rule or a workflow."""
        fifo = {entry.name for entry in catalog.QUEUES if entry.fifo}

        def counted(queue: str, messages: Sequence[Any]) -> list[str]:
            size = sum(len(json.dumps(dict(message.body))) for message in messages)
            requests = max(ceil(len(messages) / BATCH), ceil(size / PAYLOAD_CHUNK))
            self.add("fifo_request" if queue in fifo else "queue_request", requests)
            if self.frame is None:
                return send_all(queue, messages)
            with self.outside("sqs"):
                return send_all(queue, messages)

        return counted

    def publishing(self, publish: Callable[..., list[int]]) -> Callable[..., list[int]]:
        """LocalBus.publish, counted."""

        def counted(events: Sequence[dict[str, Any]]) -> list[int]:
            self.add("bus_event", sum(ceil(len(json.dumps(event)) / EVENT_CHUNK) for event in events))
            with self.outside("events"):
                return publish(events)

        return counted


def sampled(count: int) -> float:
    """How many of so many in one second X-Ray records: the first, and a twentieth of the rest."""
    return min(count, SAMPLED_PER_SECOND) + max(0, count - SAMPLED_PER_SECOND) * SAMPLED_SHARE
