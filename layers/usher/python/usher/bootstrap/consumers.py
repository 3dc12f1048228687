"""The wrappers of queue functions: a batch in, the messages that failed out, each done once."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from pydantic import BaseModel

from usher.bootstrap.idempotency import persistence
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import per_platform
from usher.domain.errors import RetryableError

C = TypeVar("C", bound=BaseModel)
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

ONCE_FOR = 3600  # seconds that a finished message is remembered: longer than its queue may deliver it again


def queue_consumer(command_type: type[C], *, key: str) -> Callable[[Callable[[C], str]], Handler]:
    """Turn `command -> text` into a handler of SQS batches.

    Each record is done once (powertools idempotency by the body's field `key`) and fails alone: only
    what failed is delivered again, and after the queue's last receive goes to its dead-letter queue.
    """

    def decorate(run: Callable[[C], str]) -> Handler:
        name = run.__module__.rpartition(".")[2]
        config = IdempotencyConfig(event_key_jmespath=key, expires_after_seconds=ONCE_FOR)

        def do(body: dict[str, Any]) -> str:
            result = run(command_type.model_validate(body))
            logger.info("message done", function=name, correlation_id=body.get("correlation_id"))
            return result

        once = per_platform(
            lambda _: idempotent_function(
                do,
                data_keyword_argument="body",
                config=config,
                persistence_store=persistence(),
                key_prefix=name,
            )
        )

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            config.register_lambda_context(context)
            answer = process_partial_response(
                event=event,
                record_handler=lambda record: once()(body=json.loads(record.raw_event["body"])),
                processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
                context=context,
            )
            return dict(answer)

        return handler

    return decorate


def group_consumer(run: Callable[[str, Sequence[str]], Any]) -> Handler:
    """Turn `(group, event ids) -> anything` into a handler of FIFO batches.

    The messages of one group are done together and fail together, so that their order is kept; other
    groups of the batch are not touched by it. A bug fails its group like an outage does: redelivered,
    then to the dead-letter queue, where the alarm sees it.
    """
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for record in event["Records"]:
            groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
        failed: list[dict[str, str]] = []
        for group, records in groups.items():
            try:
                run(group, [json.loads(record["body"])["event_id"] for record in records])
            except Exception as error:  # noqa: BLE001 - one group's failure must not fail its neighbours
                retryable = isinstance(error, RetryableError)
                log = logger.warning if retryable else logger.exception
                log("group failed", function=name, error=type(error).__name__, messages=len(records))
                failed.extend({"itemIdentifier": record["messageId"]} for record in records)
        return {"batchItemFailures": failed}

    return handler
