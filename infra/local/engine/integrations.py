"""What the engine calls out to, and how a Task's arguments become such a call and its answer a result."""

import hashlib
import json
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infra.local.engine.errors import TaskError
from infra.local.engine.execution import Payload


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """What a Lambda function can know of the call besides its payload."""

    request_id: str
    function_name: str
    execution_id: str
    state: str


class Integrations(Protocol):
    """The services a Task may call. Each raises TaskError with the error name its service reports.

    Any other exception counts as the function's own: it fails the task under its class name.
    """

    def invoke(self, function_name: str, payload: Any, context: InvocationContext) -> Any:
        """Run a function with a JSON payload and return its JSON result."""

    def send_message(
        self,
        queue: str,
        body: str,
        attributes: Mapping[str, Any],
        group: str | None,
        dedupe: str | None,
        delay_seconds: int,
    ) -> str:
        """Send one message and return its id."""

    def put_events(self, entries: list[dict[str, Any]]) -> list[str | None]:
        """Put events on the bus; per entry its id, or None when it was not taken."""


def exception_cause(error: BaseException) -> str:
    """`Cause` as Lambda writes it for an unhandled exception: a JSON text."""
    trace = traceback.format_tb(error.__traceback__)
    return json.dumps(
        {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": str(uuid.uuid4()),
            "stackTrace": trace,
        }
    )


def invoke(integrations: Integrations, arguments: dict[str, Any], context: InvocationContext) -> Payload:
    """`lambda:invoke`: the function's result inside the envelope of the Invoke API.

    Source: AWS Step Functions, "Invoke an AWS Lambda function with Step Functions".
    """
    answer = integrations.invoke(context.function_name, arguments.get("Payload", {}), context)
    try:
        result = Payload.copied(answer)
    except (TypeError, ValueError) as error:
        raise TaskError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    value = {
        "ExecutedVersion": "$LATEST",
        "Payload": result.value,
        "SdkHttpMetadata": {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": context.request_id},
        "StatusCode": 200,
    }
    text = (
        f'{{"ExecutedVersion":"$LATEST","Payload":{result.text},"SdkHttpMetadata":'
        '{"AllHttpHeaders":{},"HttpHeaders":{},"HttpStatusCode":200},'
        f'"SdkResponseMetadata":{{"RequestId":"{context.request_id}"}},"StatusCode":200}}'
    )
    return Payload(value, text)


def send_message(
    integrations: Integrations, arguments: dict[str, Any], context: InvocationContext
) -> Payload:
    """`sqs:sendMessage`: an object as MessageBody is sent as its JSON text."""
    body = arguments["MessageBody"]
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    message_id = integrations.send_message(
        arguments["QueueUrl"],
        text,
        arguments.get("MessageAttributes", {}),
        arguments.get("MessageGroupId"),
        arguments.get("MessageDeduplicationId"),
        arguments.get("DelaySeconds", 0),
    )
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return Payload.copied({"MD5OfMessageBody": digest, "MessageId": message_id})


def put_events(integrations: Integrations, arguments: dict[str, Any], context: InvocationContext) -> Payload:
    """`events:putEvents`: the execution joins each entry's Resources; an entry not taken fails the task.

    Source: AWS Step Functions, "Add EventBridge events with Step Functions" (EventBridge.FailedEntry).
    """
    entries = [
        {**entry, "Resources": [*entry.get("Resources", []), context.execution_id]}
        for entry in arguments["Entries"]
    ]
    ids = integrations.put_events(entries)
    failed = sum(id is None for id in ids)
    answer = {"Entries": [{"EventId": id} for id in ids], "FailedEntryCount": failed}
    if failed:
        raise TaskError("EventBridge.FailedEntry", json.dumps(answer))
    return Payload.copied(answer)


SERVICES: dict[str, Callable[[Integrations, dict[str, Any], InvocationContext], Payload]] = {
    "lambda:invoke": invoke,
    "sqs:sendMessage": send_message,
    "events:putEvents": put_events,
}
