"""The wrappers of queue functions: a batch in, the messages that failed out, each done once."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from pydantic import BaseModel, ValidationError

from usher.bootstrap.idempotency import persistence
from usher.bootstrap.observe import logger, place_of
from usher.bootstrap.platform import per_platform, platform
from usher.domain.errors import NotYet, RetryableError

C = TypeVar("C", bound=BaseModel)
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

LONGEST_WAIT = 120  # seconds; a group's tries begin 2, 4, 8, ... seconds after the one before
ENOUGH_TIME = 12_000  # milliseconds: a vendor's call may take ten seconds to fail
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
            try:
                result = run(command_type.model_validate(body))
            except Exception as error:
                _tell("message failed", name, error)
                raise
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


def batch_consumer(
    command_type: type[C], *, hurried: str | None = None
) -> Callable[[Callable[[Sequence[C]], Mapping[int, Exception]]], Handler]:
    """Turn `commands -> what failed, by position` into a handler of SQS batches.

    For consumers whose effect is once by itself: nothing is remembered about a message. One that cannot be
    read fails alone; what the function raises fails all of its batch. With `hurried`, the queue's name, what
    failed comes again after 2, 4, 8, ... seconds, because somebody waits for it.
    """

    def decorate(run: Callable[[Sequence[C]], Mapping[int, Exception]]) -> Handler:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            commands: list[C] = []
            ids: list[str] = []
            failed: list[tuple[str, Exception]] = []
            for record in event["Records"]:
                try:
                    commands.append(command_type.model_validate_json(record["body"]))
                    ids.append(record["messageId"])
                except ValidationError as error:
                    failed.append((record["messageId"], error))
            try:
                failures = run(commands) if commands else {}
            except Exception as error:  # noqa: BLE001 - the batch comes again, each message on its own count
                failures = dict.fromkeys(range(len(commands)), error)
            failed.extend((ids[at], failure) for at, failure in failures.items())
            for _, failure in failed:
                _tell("message failed", name, failure)
            logger.info("batch done", function=name, messages=len(commands) - len(failures))
            if hurried is not None and failed:
                again = {id for id, _ in failed}
                _retry_soon(hurried, [each for each in event["Records"] if each["messageId"] in again])
            return {"batchItemFailures": [{"itemIdentifier": id} for id, _ in failed]}

        return handler

    return decorate


def each_consumer(
    command_type: type[C], *, hurried: str | None = None
) -> Callable[[Callable[[C], str]], Handler]:
    """`batch_consumer` for what is done one by one: each message fails or succeeds by itself."""

    def decorate(run: Callable[[C], str]) -> Handler:
        @wraps(run)
        def each(commands: Sequence[C]) -> dict[int, Exception]:
            failures: dict[int, Exception] = {}
            for at, command in enumerate(commands):
                try:
                    run(command)
                except Exception as error:  # noqa: BLE001 - one message's failure must not fail its neighbours
                    failures[at] = error
            return failures

        return batch_consumer(command_type, hurried=hurried)(each)

    return decorate


def group_consumer(queue: str) -> Callable[[Callable[[str, Sequence[str]], Any]], Handler]:
    """Turn `(group, event ids) -> anything` into the handler of a FIFO queue's batches.

    The messages of one group are done together and fail together, so that their order is kept; other
    groups of the batch are not touched by it. A bug fails its group like an outage does: redelivered,
    each time twice as much later, then to the dead-letter queue, where the alarm sees it. A group that there
    is no time left for is redelivered as well.
    """

    def decorate(run: Callable[[str, Sequence[str]], Any]) -> Handler:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            groups: dict[str, list[dict[str, Any]]] = {}
            for record in event["Records"]:
                groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
            failed: list[dict[str, str]] = []
            for group, records in groups.items():
                try:
                    if context.get_remaining_time_in_millis() < ENOUGH_TIME:
                        raise NotYet("no time is left for this group in this batch")
                    run(group, [json.loads(record["body"])["event_id"] for record in records])
                except Exception as error:  # noqa: BLE001 - one group's failure must not fail its neighbours
                    _tell("group failed", name, error, messages=len(records))
                    _retry_soon(queue, records)
                    failed.extend({"itemIdentifier": record["messageId"]} for record in records)
            return {"batchItemFailures": failed}

        return handler

    return decorate


def _retry_soon(queue: str, records: Sequence[dict[str, Any]]) -> None:
    """Shorten the wait of a failed group: its customer's next events are behind it."""
    receives = max(int(record["attributes"]["ApproximateReceiveCount"]) for record in records)
    receipts = [record["receiptHandle"] for record in records]
    try:
        platform().queue.retry_soon(queue, receipts, seconds=min(2**receives, LONGEST_WAIT))
    except RetryableError as error:
        logger.warning("retry not hurried", queue=queue, error=type(error).__name__)


def _tell(what: str, function: str, error: Exception, **more: Any) -> None:
    """One line about a failure: its name, and for a bug where in our code, without anybody's text."""
    if isinstance(error, RetryableError):
        logger.warning(what, function=function, error=type(error).__name__, **more)
    else:
        logger.error(what, function=function, error=type(error).__name__, place=place_of(error), **more)
