"""The functions of one machine: how a handler is found, called, counted and held to its limits."""

import contextlib
import importlib
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra import catalog
from infra.local import arns
from infra.local.request_ids import request_id

Handler = Callable[[dict[str, Any], Any], Any]

_AT_ONCE = contextlib.nullcontext()


class FunctionMissing(Exception):
    """The catalog lists a function whose file is not there or has no `handler`."""


class FunctionTimedOut(Exception):
    """The function took longer than its timeout; what it did stays done, what it answered is not used."""

    error_name = "Sandbox.Timedout"


class FunctionThrottled(Exception):
    """All of the function's reserved concurrency is in use; nothing ran."""

    error_name = "Lambda.TooManyRequestsException"


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler is given as its second argument, by the names Lambda uses."""

    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    aws_request_id: str
    deadline: float  # of time.monotonic
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(slots=True)
class Count:
    """What became of a function's calls so far; `milliseconds` is their sum."""

    calls: int = 0
    errors: int = 0
    throttles: int = 0
    milliseconds: float = 0.0


@dataclass(slots=True)
class _Function:
    entry: catalog.Function
    handler: Handler | None
    slots: threading.BoundedSemaphore | None
    count: Count = field(default_factory=Count)
    lock: threading.Lock = field(default_factory=threading.Lock)
    name: str = ""
    arn: str = ""


class Functions:
    """Calls `functions/<room>/<name>.py:handler` in the caller's thread.

    Args:
        entries: the catalog's functions.
        handlers: by `room/name`, in place of the files (tests).

    A handler that is a method keeps state in its object (powertools' resolvers keep the current event), and
    on Lambda an object serves one call at a time: such handlers take turns.

    A thread cannot be stopped from outside: a handler that overruns goes on to its end, as the worst case
    on AWS would, and its caller gets FunctionTimedOut then, whatever it answered.
    """

    def __init__(
        self, entries: Iterable[catalog.Function], *, handlers: Mapping[str, Handler] | None = None
    ) -> None:
        given = handlers or {}
        self._turns = threading.Lock()  # one for all: powertools keeps the event on the resolvers' base class
        self._functions = {
            entry.path: _Function(
                entry,
                given.get(entry.path),
                threading.BoundedSemaphore(entry.reserved_concurrency)
                if entry.reserved_concurrency
                else None,
                name=arns.function_name(entry.path),
                arn=arns.function(entry.path),
            )
            for entry in entries
        }

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self._functions)

    def load(self) -> None:
        """Import every handler now, so that a missing one is told at the start. Raises FunctionMissing."""
        for function in self._functions.values():
            self._handler(function)

    def invoke(self, path: str, event: dict[str, Any], *, wait: bool = False) -> Any:
        """Call the function and return its answer; its exceptions pass through.

        Args:
            wait: for a free slot of its reserved concurrency, as sources do that retry for themselves;
                without it a call above the reserve raises FunctionThrottled.

        Raises:
            FunctionMissing, FunctionThrottled, FunctionTimedOut, and what the handler raises.
        """
        function = self._functions.get(path)
        if function is None:
            raise FunctionMissing(f"infra/catalog.py lists no function {path}")
        slots = function.slots
        if slots is not None and not slots.acquire(blocking=wait):
            with function.lock:
                function.count.throttles += 1
            raise FunctionThrottled(f"{path} is at its reserved concurrency")
        try:
            return self._call(function, event)
        finally:
            if slots is not None:
                slots.release()

    def count(self, path: str) -> Count:
        """The counts of one function; a live object."""
        return self._functions[path].count

    def reserve(self, path: str) -> int | None:
        """How many calls at a time the catalog reserves for the function, if it says so."""
        return self._functions[path].entry.reserved_concurrency

    def timeout(self, path: str) -> float:
        """Seconds the function may take."""
        return self._functions[path].entry.timeout_seconds

    def _call(self, function: _Function, event: dict[str, Any]) -> Any:
        handler, entry = function.handler or self._handler(function), function.entry
        started = time.monotonic()
        deadline = started + entry.timeout_seconds
        context = Context(function.name, entry.memory_mb, function.arn, request_id(), deadline)
        failed = True
        try:
            with self._turns if inspect.ismethod(handler) else _AT_ONCE:
                result = handler(event, context)
            failed = time.monotonic() > deadline
        finally:
            with function.lock:
                function.count.calls += 1
                function.count.errors += failed
                function.count.milliseconds += (time.monotonic() - started) * 1000
        if failed:
            raise FunctionTimedOut(f"{entry.path} took longer than {entry.timeout_seconds} s")
        return result

    @staticmethod
    def _handler(function: _Function) -> Handler:
        if function.handler is None:
            name = f"functions.{function.entry.room}.{function.entry.name}"
            try:
                function.handler = importlib.import_module(name).handler
            except ModuleNotFoundError as error:
                if error.name is None or not name.startswith(error.name):
                    raise  # the file is there; something it imports is not
                raise FunctionMissing(f"{name.replace('.', '/')}.py is not there") from error
            except AttributeError as error:
                raise FunctionMissing(f"{name.replace('.', '/')}.py has no `handler`") from error
        assert function.handler is not None
        return function.handler
