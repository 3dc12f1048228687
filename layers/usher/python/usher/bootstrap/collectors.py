"""The wrapper of collectors: a batch of waiting steps in, an answer to each of their tokens out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any

from usher.bootstrap.observe import logger, place_of
from usher.bootstrap.platform import platform
from usher.bootstrap.step_outcomes import done, failed, ids
from usher.bootstrap.tracing import traced
from usher.domain.errors import PermanentError, RetryableError
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.step_batch import Outcome, QueuedStep

Run = Callable[[Sequence[StepCommand]], list[Outcome]]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Answer = Callable[[str], bool]  # answers one token; False when nobody waits for it any more

ANSWERS_AT_ONCE = 16  # a batch of 500 is answered within seconds, and below the service's own rate


def collector(run: Run) -> Handler:
    """Turn `commands -> outcomes` into a handler of SQS batches whose messages carry task tokens.

    Each sign-up stands in the batch once: of several tries the latest is run, and all of them are answered.
    What an item ends with is noted as a step's is (bootstrap/step_outcomes.py) and answered through its own
    token; a bug under its own name, which no state catches, so that the execution fails and pages. A message
    comes again when its token could not be answered; one that nobody waits for any more is done with.
    """
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answers: dict[str, tuple[str, Answer]] = {}  # by message: its token and what that is told
        waiting: dict[str, list[tuple[str, QueuedStep]]] = {}
        failures: set[str] = set()
        for record in event["Records"]:
            message = record["messageId"]
            try:
                step = QueuedStep.model_validate(json.loads(record["body"]))
            except ValueError as error:
                logger.error("message unreadable", function=name, error=type(error).__name__)
                failures.add(message)  # and after the last receive it is a dead letter
                continue
            waiting.setdefault(step.signup_id, []).append((message, step))
        latest = [max((s for _, s in tries), key=_age) for tries in waiting.values()]
        for command, outcome in zip(latest, _outcomes(run, latest), strict=True):
            answer = _answer(name, command, outcome)
            answers |= {message: (s.task_token, answer) for message, s in waiting[command.signup_id]}
        failures |= _answered(name, answers)
        return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(failures)]}

    return handler


def _age(step: QueuedStep) -> tuple[Any, int]:
    return step.entered_at, step.retry_count


def _outcomes(run: Run, commands: Sequence[QueuedStep]) -> Sequence[Outcome | Exception]:
    """An outcome per command. A batch that breaks is done again in halves: all it does is done once."""
    try:
        with traced(run.__module__.rpartition(".")[2]):
            return run(commands)
    except RetryableError as error:  # no store, no outcome for any of them
        return [error] * len(commands)
    except Exception as error:  # noqa: BLE001 - one item's bug must not fail its neighbours
        if len(commands) == 1:
            return [error]
        half = len(commands) // 2
        return [*_outcomes(run, commands[:half]), *_outcomes(run, commands[half:])]


def _answer(name: str, command: QueuedStep, outcome: StepResult | Exception) -> Answer:
    """Note the outcome; returns what the tokens of this sign-up are told."""
    workflows = platform().workflows
    if isinstance(outcome, StepResult):
        return partial(workflows.succeed, output=done(command, name, outcome))
    if isinstance(outcome, RetryableError | PermanentError):
        wire = failed(command, name, outcome)
        return partial(workflows.fail, error=type(wire).__name__, cause=str(wire))
    kind, place = type(outcome).__name__, place_of(outcome)
    logger.error("step broke", step=name, error=kind, place=place, **ids(command))
    return partial(workflows.fail, error=kind, cause=f"{name}: {kind} at {' < '.join(reversed(place))}")


def _answered(name: str, answers: Mapping[str, tuple[str, Answer]]) -> set[str]:
    """Answer every token, several at a time; returns the messages whose token could not be answered."""

    def one(token: str, answer: Answer) -> bool:
        try:
            if not answer(token):
                logger.info("nobody waits any more", step=name)
        except RetryableError as error:
            logger.warning("token not answered", step=name, error=type(error).__name__)
            return False
        return True

    with ThreadPoolExecutor(min(ANSWERS_AT_ONCE, len(answers)) or 1) as pool:
        told = pool.map(lambda each: one(*each), answers.values())
        return {message for message, was_told in zip(answers, told, strict=True) if not was_told}
