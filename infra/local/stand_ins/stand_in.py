"""The base of every stand-in: routes, authentication, limits, faults, one transaction per call, counts.

A vendor's stand-in subclasses `StandIn`, fills `routes()` and overrides the hooks it needs. A handler takes
the `Request` (with `operation` and `path_params` set) and returns an `Answer` or a JSON value for 200.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.stand_ins import control
from infra.local.stand_ins.clock import StandInClock
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.faults import AFTER, BEFORE, Fault, Faults
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.limits import RateLimits
from infra.local.stand_ins.state import State

Handler = Callable[[Request], Any]
_READS = ("GET", "HEAD", "OPTIONS")


class Refusal(Exception):
    """Raised by a handler: undo the call's writes and send this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}")
        self.answer = answer


class StandIn:
    """One vendor.

    Args:
        state: what it remembers.
        config: see `Config`.
        data_dir: where caches may lie; None means nowhere.
    """

    def __init__(self, state: State, config: Config, data_dir: Path | None = None) -> None:
        self.state, self.config, self.data_dir = state, config, data_dir
        self.clock = StandInClock(state)
        self.faults = Faults(self.routes())
        self.limits = RateLimits(self.clock.wall)
        self._tree: dict[str, Any] = {}
        for operation, handler in (self.routes() | self._control_routes()).items():
            self._add(operation, handler)

    # -- what a vendor fills in ------------------------------------------------------------------

    def routes(self) -> dict[str, Handler]:
        """Handlers by operation, for example `{"POST /v1/things/{id}": self.update}`."""
        raise NotImplementedError

    def control_routes(self) -> dict[str, Handler]:
        """The vendor's own additions under `/_control/`."""
        return {}

    def authenticate(self, request: Request) -> None:
        """Raise `Refusal` when the caller may not call."""

    def limit(self, request: Request) -> None:
        """Raise `Refusal` above the vendor's rates; called only when `enforce_limits` is on."""

    def check_request(self, request: Request) -> None:
        """Raise `Refusal` when the request breaks the vendor's contract."""

    def check_answer(self, request: Request, answer: Answer) -> None:
        """Raise AssertionError when our own answer breaks the contract (a bug of the stand-in)."""

    def not_found(self, request: Request) -> Answer:
        """The vendor's answer for an unknown path."""
        return Answer.of({"message": f"no such route: {request.method} {request.path}"}, 404)

    def rejected(self, request: Request) -> Answer:
        """The vendor's 400, for the fault of that name."""
        return Answer.of({"message": "rejected"}, 400)

    def too_many_requests(self, request: Request) -> Answer:
        """The vendor's 429, for the fault of that name."""
        return Answer.of({"message": "too many requests"}, 429)

    def server_error(self, request: Request) -> Answer:
        """The vendor's 500, for the fault of that name."""
        return Answer.of({"message": "internal error"}, 500)

    def perform(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        """Run the handler; inside a transaction unless it is a read. Stripe adds idempotency keys here."""
        if fault and fault.fault == "500" and not fault.effect:
            return self.server_error(request)
        answer = as_answer(handler(request))
        return self.server_error(request) if fault and fault.fault == "500" else answer

    def started(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called once when the server listens: timers and deliveries begin here."""

    async def stopping(self) -> None:
        """Called once before the server ends."""

    def answered(self) -> None:
        """Called after each answered call: what the call set off (webhooks) begins here."""

    # -- the way of a call -----------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        """Answer one request; every effect is committed before this returns."""
        handler = self._route(request)
        if request.path.startswith("/_control") or request.path == "/healthz":
            try:
                return control.answer(self, request, handler)
            except Refusal as refusal:
                return refusal.answer
        if handler is None:
            return self.not_found(request)
        self.state.count_call(request.operation)
        fault = self.faults.take(request.operation)
        try:
            answer = self._call(request, handler, fault)
        except Refusal as refusal:
            answer = refusal.answer
        self.answered()
        return _spoiled(answer, fault) if fault and fault.fault in AFTER else answer

    def _call(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        self.authenticate(request)
        if self.config.enforce_limits:
            self.limit(request)
        if fault and fault.fault in BEFORE and fault.fault != "500" and not fault.effect:
            return self._refused(request, fault)
        self.check_request(request)
        if request.method in _READS:
            answer = self._performed(request, handler, fault)
        else:
            answer = self._in_transaction(request, handler, fault)
        if fault and fault.fault == "429":
            return self.too_many_requests(request)
        return answer

    def _refused(self, request: Request, fault: Fault) -> Answer:
        if fault.fault == "fail_before":
            return Answer(fate="drop")
        return self.rejected(request) if fault.fault == "400" else self.too_many_requests(request)

    def _in_transaction(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        with self.state.transaction():
            writes = self.state.writes
            answer = self._performed(request, handler, fault)
            if self.state.writes != writes:
                self.state.count_effect(request.operation)
        return answer

    def _performed(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        answer = self.perform(request, handler, fault)
        if self.config.check_contract:
            self.check_answer(request, answer)
        return answer

    # -- routes ----------------------------------------------------------------------------------

    def _control_routes(self) -> dict[str, Handler]:
        return control.routes(self) | self.control_routes()

    def _add(self, operation: str, handler: Handler) -> None:
        method, _, path = operation.partition(" ")
        node = self._tree
        names = []
        for segment in [method, *path.strip("/").split("/")]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                segment = "{}"
            node = node.setdefault(segment, {})
        node["handler"] = (operation, handler, names)

    def _route(self, request: Request) -> Handler | None:
        values: list[str] = []
        found = _walk(self._tree.get(request.method, {}), request.path.strip("/").split("/"), 0, values)
        if found is None:
            return None
        handler: Handler
        request.operation, handler, names = found
        request.path_params = dict(zip(names, values, strict=True))
        return handler


def as_answer(value: Any) -> Answer:
    """`value` when it is an `Answer`, else a 200 with it as JSON."""
    return value if isinstance(value, Answer) else Answer.of(value)


def _walk(node: dict[str, Any], segments: list[str], at: int, values: list[str]) -> Any:
    if at == len(segments):
        return node.get("handler")
    exact = node.get(segments[at])
    if isinstance(exact, dict) and (found := _walk(exact, segments, at + 1, values)):
        return found
    if (wild := node.get("{}")) is not None:
        values.append(segments[at])
        if found := _walk(wild, segments, at + 1, values):
            return found
        values.pop()
    return None


def _spoiled(answer: Answer, fault: Fault) -> Answer:
    if fault.fault == "delay":
        answer.delay = fault.seconds
    elif fault.fault == "malformed":
        answer.body = answer.body[: max(1, len(answer.body) // 2)]
    else:
        answer.fate = "drop"
        answer.delay = fault.seconds if fault.fault == "timeout_after" else 0.0
    return answer
