"""An engine on a manual clock with Python functions for Lambda functions, driven until it has to wait."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.database import Database
from infra.local.engine import Engine, InvocationContext
from infra.local.manual_clock import ManualClock
from infra.state_machine_file import Document

Function = Callable[[Any], Any]


class Services:
    """The Integrations of the tests: functions by name, and what was sent."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.calls: list[tuple[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.refuse_events = False
        self._lock = threading.Lock()

    def invoke(self, function_name: str, payload: Any, context: InvocationContext) -> Any:
        with self._lock:
            self.calls.append((function_name, payload))
        return self.functions[function_name](payload)

    def send_message(
        self,
        queue: str,
        body: str,
        attributes: Any,
        group: str | None,
        dedupe: str | None,
        delay_seconds: int,
    ) -> str:
        self.messages.append({"queue": queue, "body": body, "group": group, "dedupe": dedupe})
        return f"message-{len(self.messages)}"

    def put_events(self, entries: list[dict[str, Any]]) -> list[str | None]:
        self.events += entries
        return [None if self.refuse_events else f"event-{i}" for i in range(len(entries))]


class World:
    """One engine and what a test needs to drive it."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        self.services = Services()
        self.path = path
        self.ended: dict[str, dict[str, Any]] = {}
        self._count = 0
        self.open()

    def open(self) -> None:
        self.database = Database(self.path, synchronous="NORMAL")
        self.engine = Engine(self.database, self.clock, self.services, workers=4, on_ended=self._on_ended)
        self.engine.start()

    def close(self) -> None:
        self.engine.stop()
        self.database.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def _on_ended(self, event: dict[str, Any]) -> None:
        self.ended[event["detail"]["executionArn"]] = event

    def function(self, name: str, body: Function) -> None:
        self.services.functions[name] = body

    def called(self, name: str) -> list[Any]:
        return [payload for function, payload in self.services.calls if function == name]

    def register(
        self, states: dict[str, Any], *, name: str = "machine", start: str | None = None, **top: Any
    ) -> str:
        body = {"QueryLanguage": "JSONata", "StartAt": start or next(iter(states)), "States": states, **top}
        self.engine.register(name, Document(body, Path(f"{name}.asl.yaml"), {}))
        return name

    def begin(self, machine: str, input: Any = None, *, name: str | None = None) -> str:
        self._count += 1
        id = self.engine.start_execution(
            machine, name or f"run-{self._count}", {} if input is None else input
        )
        self.clock.settle()
        return id

    def finish(self, id: str) -> dict[str, Any]:
        """Move time from deadline to deadline until the execution has ended."""
        self.clock.settle()
        while self.engine.describe(id)["status"] == "RUNNING":
            due = self.clock.next_due()
            assert due is not None, "the execution waits for nothing that time could bring"
            self.clock.advance_to(max(due, self.clock.now()))
            self.clock.settle()
        return self.engine.describe(id)

    def run(self, states: dict[str, Any], input: Any = None, **top: Any) -> dict[str, Any]:
        return self.finish(self.begin(self.register(states, **top), input))

    def output(self, states: dict[str, Any], input: Any = None, **top: Any) -> Any:
        """The output of an execution that must succeed."""
        ended = self.run(states, input, **top)
        assert ended["status"] == "SUCCEEDED", (ended["error"], ended["cause"])
        return ended["output"]

    def error(self, states: dict[str, Any], input: Any = None, **top: Any) -> str:
        """The error name of an execution that must fail."""
        ended = self.run(states, input, **top)
        assert ended["status"] == "FAILED", ended
        return str(ended["error"])

    def kinds(self, id: str) -> list[str]:
        return [event["type"] for event in self.engine.history(id)]


def task(function: str = "work", payload: Any = None, **fields: Any) -> dict[str, Any]:
    """A lambda:invoke Task that ends its scope unless it says Next."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": {} if payload is None else payload},
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def waiting_task(payload: Any = None, function: str = "work", **fields: Any) -> dict[str, Any]:
    """A Task that waits for its token."""
    body = task(function, payload or {"token": "{% $states.context.Task.Token %}"}, **fields)
    return {**body, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}


def step(type_: str, **fields: Any) -> dict[str, Any]:
    """Any state; ends its scope unless it says Next or cannot."""
    ends = type_ in ("Pass", "Wait", "Parallel", "Map") and "Next" not in fields
    return {"Type": type_, **({"End": True} if ends else {}), **fields}


def scope(states: dict[str, Any], start: str | None = None) -> dict[str, Any]:
    """A branch or an item processor."""
    return {"StartAt": start or next(iter(states)), "States": states}


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))
