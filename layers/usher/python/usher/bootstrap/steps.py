"""The wrapper of workflow steps: a command in, a result or one of two error names out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from usher.bootstrap.admission import trying
from usher.bootstrap.commands import parsed
from usher.bootstrap.step_outcomes import done, failed, ids
from usher.bootstrap.tracing import traced
from usher.domain.errors import PermanentError, RetryableError
from usher.usecases.step import StepCommand, StepResult

C = TypeVar("C", bound=StepCommand)


def step(
    command_type: type[C],
) -> Callable[[Callable[[C], StepResult]], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Turn `command -> result` into a Lambda handler.

    Parses the event, notes on the sign-up what a try failed with, logs one line per outcome, and lets
    exactly two error names out (`RetryableError`, `PermanentError`), because a workflow can match no
    others. Any other exception is a bug: it passes through unchanged, fails the execution and pages.
    """

    def decorate(run: Callable[[C], StepResult]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            command = parsed(command_type, event, name)
            try:
                with traced(name, **ids(command)), trying(command.retry_count):
                    result = run(command)
            except (RetryableError, PermanentError) as error:
                raise failed(command, name, error) from error
            return done(command, name, result)

        return handler

    return decorate
