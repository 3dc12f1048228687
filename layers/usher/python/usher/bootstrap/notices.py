"""The wrappers of functions that rules, streams and schedules call: no answer is waited for."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from pydantic import BaseModel

from usher.adapters.dynamodb_json import decode
from usher.bootstrap.observe import logger
from usher.ports.store import Item

C = TypeVar("C", bound=BaseModel)
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def rule_target(command_type: type[C], *, part: str = "detail") -> Callable[[Callable[[C], Any]], Handler]:
    """Turn `command -> anything` into the target of a rule; `part` is `detail`, or `payload` of our envelope.

    What it raises makes the bus try again, and after its last try file the event in the dead-letter queue.
    """

    def decorate(run: Callable[[C], Any]) -> Handler:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            detail = event["detail"] if part == "detail" else event["detail"][part]
            result = run(command_type.model_validate(detail))
            logger.info("notice done", function=name, result=result)
            return {"result": result}

        return handler

    return decorate


def stream_consumer(run: Callable[[list[Item]], list[int]]) -> Handler:
    """Turn `new items -> positions that failed` into a handler of a table's stream.

    A stream is read in order: the first failure is where the next delivery begins.
    """

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        inserted = [record for record in event["Records"] if record["eventName"] == "INSERT"]
        failed = run([decode(record["dynamodb"]["NewImage"]) for record in inserted])
        if not failed:
            return {"batchItemFailures": []}
        first = inserted[failed[0]]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": first}]}

    return handler


def scheduled(run: Callable[[], int]) -> Handler:
    """Turn `-> count` into the target of a schedule."""
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        count = run()
        logger.info("schedule done", function=name, count=count)
        return {"count": count}

    return handler
