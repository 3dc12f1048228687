"""The wrapper of workflow steps: a command in, a result or one of two error names out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from pydantic import ValidationError

from usher.bootstrap.admission import trying
from usher.bootstrap.metrics import count, milliseconds
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import platform
from usher.bootstrap.tracing import traced
from usher.domain.errors import NotFound, PermanentError, RetryableError
from usher.records.signups import Signups
from usher.usecases.step import StepCommand, StepResult, mark

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
            command = _parse(command_type, event, name)
            ids: Any = {"signup_id": command.signup_id, "correlation_id": command.correlation_id}
            try:
                with traced(name, **ids), trying(command.retry_count):
                    result = run(command)
            except (RetryableError, PermanentError) as error:
                final = isinstance(error, PermanentError)
                count("StepFailed" if final else "StepRetried", step=name)
                logger.warning("step failed", step=name, error=type(error).__name__, final=final, **ids)
                message = f"{type(error).__name__}: {error}"
                noted = isinstance(error, NotFound) or _note(command, name, is_final=final, error=message)
                # What cannot succeed is tried again until its reason is on record, where the workflow's
                # next state looks for it.
                wire = PermanentError if final and noted else RetryableError
                raise wire(f"{name}: {message}") from error
            took = platform().clock.now() - command.entered_at
            milliseconds("StepTime", took.total_seconds() * 1000, step=name)
            logger.info("step done", step=name, outcome=result.outcome, **ids)
            return result.model_dump(mode="json")

        return handler

    return decorate


def _parse(command_type: type[C], event: dict[str, Any], name: str) -> C:
    try:
        return command_type.model_validate(event)
    except ValidationError as error:
        fields = [".".join(map(str, entry["loc"])) for entry in error.errors(include_input=False)]
        raise PermanentError(f"{name}: InvalidCommand: look at {', '.join(fields)}") from error


def _note(command: StepCommand, name: str, *, is_final: bool, error: str) -> bool:
    """Record how this try ended, so that a person sees a step that is retrying, and why.

    Returns whether it is on record. A late try takes nothing back from one that succeeded meanwhile.
    """
    here = platform()
    signups = Signups(here.store)
    status = "failed" if is_final else "retrying"
    try:
        if not is_final and signups.get(command.signup_id).steps.get(name, {}).get("status") == "done":
            return True
        signups.change(command.signup_id, mark(command, name, here.clock.now(), status=status, error=error))
    except RetryableError as failure:
        logger.warning("step not noted", step=name, error=type(failure).__name__)
        return False
    return True
