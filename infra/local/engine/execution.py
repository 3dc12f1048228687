"""One execution in memory: its frames (the root, branches, iterations) and how each is written to disk."""

import json
import threading
from collections.abc import Iterator
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]  # in no stub
from typing import Any

from infra.local.engine.definition import Machine, Scope, State
from infra.local.engine.descriptions import machine_arn, timestamp
from infra.local.engine.errors import DATA_LIMIT, StateError
from infra.local.timers import Timer


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is not JSON")


LIMIT = 262_144  # bytes of UTF-8: the most a state's input, output, arguments or result may take
_chunks = c_make_encoder(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
_decode = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # as above


def encode(value: Any) -> str:
    """JSON text. `json.dumps` builds a C encoder per call, which costs more than the encoding itself."""
    return "".join(_chunks(value, 0))


class Payload:
    """A JSON value and its text; the text is made once and serves the limit, the history and the frontier."""

    __slots__ = ("text", "value")

    def __init__(self, value: Any, text: str | None = None) -> None:
        self.value = value
        self.text = encode(value) if text is None else text

    @classmethod
    def parse(cls, text: str) -> "Payload":
        return cls(_decode(text, 0)[0], text)

    @classmethod
    def copied(cls, value: Any) -> "Payload":
        """`value` as its reader over the wire would see it. Raises ValueError or TypeError: it is no JSON."""
        return cls.parse(encode(value))

    def bytes(self) -> int:
        """Size in UTF-8; the text has escapes for what is not ASCII, so it can only be longer."""
        if len(self.text) <= LIMIT:
            return len(self.text)
        return len(json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def limited(value: Any, what: str) -> Payload:
    """`value` as a payload. Raises StateError DataLimitExceeded when it is over 256 KiB."""
    return check_limit(value if isinstance(value, Payload) else Payload(value), what)


def check_limit(payload: Payload, what: str) -> Payload:
    """Source: AWS Step Functions service quotas, maximum input or output size of a state."""
    if len(payload.text) > LIMIT and payload.bytes() > LIMIT:
        raise StateError(DATA_LIMIT, f"{what} is larger than the maximum of {LIMIT} bytes.")
    return payload


# What a frame waits for. Only these phases are ever on disk.
TASK = "task"  # a call is in flight; after a crash it is made again
CALLBACK = "callback"  # the call was made, the token is out
CHILD = "child"  # a child execution runs
WAIT = "wait"  # a Wait state
RETRY = "retry"  # between two attempts
JOIN = "join"  # branches or iterations run
DONE = "done"  # the branch ended; `output` is its result
FAILED = "failed"  # its error went to its parent
ABORTED = "aborted"  # a sibling failed


class Frame:
    """One line of control: where it stands, what it knows, what it waits for."""

    __slots__ = (
        "attempt",
        "children",
        "deadline",
        "ended_items",
        "entered",
        "execution",
        "failures",
        "heartbeat",
        "input",
        "item",
        "items",
        "last_event",
        "next_item",
        "output",
        "parent",
        "path",
        "phase",
        "remaining",
        "retries",
        "retry_count",
        "run",
        "scope",
        "state",
        "timers",
        "token",
        "variables",
    )

    def __init__(self, execution: "Execution", path: str, scope: Scope, parent: "Frame | None") -> None:
        self.execution = execution
        self.path = path  # "" for the root, "/1" its second branch, "/1/0" that one's first
        self.scope = scope
        self.parent = parent
        self.variables: dict[str, Any] = {}
        self.state: State = scope.states[scope.start]
        self.input = Payload(None, "null")
        self.output: Payload | None = None
        self.phase = ""
        self.retries: dict[int, int] = {}
        self.retry_count = 0
        self.entered = 0.0
        self.deadline: float | None = None
        self.heartbeat: float | None = None  # when the next heartbeat is due
        self.attempt = 0
        self.token: str | None = None
        self.run = 0  # the attempt that began the child executions which are waited for
        self.item: tuple[int, Any] | None = None  # Map.Item of this iteration
        self.items: list[Any] | None = None  # of a Map state
        self.next_item = 0
        self.failures = 0
        self.ended_items: set[int] = set()  # of a distributed Map
        self.remaining = 0
        self.children: dict[int, Frame] = {}
        self.timers: list[Timer] = []
        self.last_event = 0

    def bindings(self) -> dict[str, Any]:
        """The variables this frame sees: its own and those of the scopes around it."""
        if self.parent is None:
            return dict(self.variables)
        return {**self.parent.bindings(), **self.variables}

    def walk(self) -> Iterator["Frame"]:
        yield self
        for child in self.children.values():
            yield from child.walk()

    def cancel_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def to_text(self) -> str:
        """The frame as one JSON object; payloads are spliced in as the text they already have."""
        rest: dict[str, Any] = {"s": self.state.name, "p": self.phase, "e": self.entered, "a": self.attempt}
        if self.variables:
            rest["v"] = self.variables
        if self.retries:
            rest["r"], rest["n"] = list(self.retries.items()), self.retry_count
        for key, value in (
            ("d", self.deadline),
            ("h", self.heartbeat),
            ("t", self.token),
            ("m", self.item),
        ):
            if value is not None:
                rest[key] = value
        if self.run:
            rest["u"] = self.run
        if self.state.type == "Map":
            rest["x"], rest["f"] = self.next_item, self.failures
        rest["l"] = self.last_event
        output = f',"o":{self.output.text}' if self.output is not None else ""
        return f'{encode(rest)[:-1]},"i":{self.input.text}{output}}}'

    def restore(self, data: dict[str, Any]) -> None:
        """The inverse of `to_text`."""
        self.state = self.scope.states[data["s"]]
        self.phase, self.entered, self.attempt = data["p"], data["e"], data["a"]
        self.variables = data.get("v", {})
        self.retries, self.retry_count = dict(data.get("r", [])), data.get("n", 0)
        self.deadline, self.heartbeat = data.get("d"), data.get("h")
        self.token, self.run = data.get("t"), data.get("u", 0)
        self.item = tuple(data["m"]) if "m" in data else None
        self.next_item, self.failures = data.get("x", 0), data.get("f", 0)
        self.last_event = data["l"]
        self.input = Payload(data["i"])
        self.output = Payload(data["o"]) if "o" in data else None


class Execution:
    """A running execution. Every change happens under `lock`."""

    __slots__ = (
        "context",
        "announced",
        "deadline",
        "ended",
        "events",
        "id",
        "input",
        "key",
        "lock",
        "machine",
        "machine_context",
        "name",
        "outcome",
        "parent",
        "redrives",
        "root",
        "started",
        "timer",
    )

    def __init__(
        self,
        key: int,
        id: str,
        name: str,
        machine: Machine,
        input: Payload,
        *,
        started: float,
        started_text: str,
        parent: "ParentLink | None" = None,
    ) -> None:
        self.key = key  # row number: small, and rising with time, which keeps SQLite's pages together
        self.id = id
        self.name = name
        self.machine = machine
        self.input = input
        self.started = started
        self.parent = parent
        self.events = 0
        self.redrives = 0
        self.outcome: tuple[str, Payload | None, str | None, str | None, float] = ("", None, None, None, 0.0)
        self.ended = False
        self.announced = True  # whether nobody wants to be told of its end
        self.deadline: float | None = None
        self.timer: Timer | None = None
        self.lock = threading.Lock()
        self.root = Frame(self, "", machine.scope, None)
        self.context = {
            "Id": id,
            "Input": input.value,
            "Name": name,
            "RoleArn": "arn:aws:iam::000000000000:role/local",
            "StartTime": started_text,
            "RedriveCount": 0,
        }
        self.machine_context = {"Id": machine_arn(machine.name), "Name": machine.name}

    def described(self) -> dict[str, Any]:
        """The description of an execution that has just ended; see descriptions.description."""
        status, output, error, cause, stopped = self.outcome
        return {
            "executionArn": self.id,
            "stateMachineArn": machine_arn(self.machine.name),
            "stateMachine": self.machine.name,
            "name": self.name,
            "status": status,
            "startDate": timestamp(self.started),
            "stopDate": timestamp(stopped),
            "input": self.input.value,
            "output": output.value if output is not None else None,
            "error": error,
            "cause": cause,
            "redriveCount": self.redrives,
        }


class ParentLink(tuple[int, str, int]):
    """Who waits for a child execution: (execution key, frame path, attempt or item index)."""

    __slots__ = ()
