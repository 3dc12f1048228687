"""The wrapper of consumers of dead-letter queues: a batch in, the messages that could not be filed out."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from usher.bootstrap.observe import logger
from usher.domain.errors import RetryableError

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def dead_letter_consumer(
    *queues: str,
) -> Callable[[Callable[[str, dict[str, Any], str | None], Any]], Handler]:
    """Turn `(queue, body, group) -> anything` into the handler of these queues' dead-letter queues.

    What it cannot take for now comes again and again: a dead-letter queue gives nothing up.
    """

    def decorate(run: Callable[[str, dict[str, Any], str | None], Any]) -> Handler:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            failed: list[dict[str, str]] = []
            for record in event["Records"]:
                queue = _source(record["eventSourceARN"], queues)
                try:
                    run(queue, json.loads(record["body"]), record["attributes"].get("MessageGroupId"))
                except RetryableError as error:
                    logger.warning("dead letter not filed", function=name, error=type(error).__name__)
                    failed.append({"itemIdentifier": record["messageId"]})
            return {"batchItemFailures": failed}

        return handler

    return decorate


def _source(arn: str, queues: tuple[str, ...]) -> str:
    """The catalog's name of the queue whose dead-letter queue this is, whatever the stage put before it."""
    name = arn.rpartition(":")[2].removesuffix(".fifo").removesuffix("-dlq")
    (found,) = [queue for queue in queues if name == queue or name.endswith(f"-{queue}")]
    return found
