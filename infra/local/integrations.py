"""What the local engine's Tasks call: the functions, queues and bus of this machine."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.bus import LocalBus
from infra.local.engine import InvocationContext, TaskError
from infra.local.functions import FunctionMissing, Functions, FunctionThrottled, FunctionTimedOut
from infra.local.queues import LocalQueue
from usher.domain.errors import InvalidCommand, NotFound, StoreUnavailable
from usher.ports.queue import Message


class LocalIntegrations:
    """Implements engine.Integrations; errors of the services get the names Step Functions gives them."""

    def __init__(self, functions: Functions, queue: LocalQueue, bus: LocalBus) -> None:
        self._functions = functions
        self._queue = queue
        self._bus = bus

    def invoke(self, function_name: str, payload: Any, context: InvocationContext) -> Any:
        """`function_name` is the catalog's `room/name`, which the builder puts into the files."""
        try:
            return self._functions.invoke(function_name, payload)
        except (FunctionThrottled, FunctionTimedOut) as error:
            raise TaskError(error.error_name, str(error)) from error
        except FunctionMissing as error:
            raise TaskError("Lambda.ResourceNotFoundException", str(error)) from error

    def send_message(
        self,
        queue: str,
        body: str,
        attributes: Mapping[str, Any],
        group: str | None,
        dedupe: str | None,
        delay_seconds: int,
    ) -> str:
        texts = {name: str(value["StringValue"]) for name, value in attributes.items()}
        try:
            message = Message(json.loads(body), delay_seconds, group, dedupe, texts)
            return self._queue.send_all(queue, [message])[0]
        except (StoreUnavailable, InvalidCommand, NotFound, ValueError) as error:
            raise TaskError("SQS.AmazonSQSException", str(error)) from error

    def put_events(self, entries: Sequence[dict[str, Any]]) -> list[str | None]:
        try:
            return [entry.get("EventId") for entry in self._bus.put_events(entries)["Entries"]]
        except StoreUnavailable as error:
            raise TaskError("EventBridge.InternalException", str(error)) from error
