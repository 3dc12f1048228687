"""The wrapper of the steps of a reconciliation: a command in, a result or one of two error names out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from pydantic import BaseModel

from usher.bootstrap.commands import parsed
from usher.bootstrap.metrics import count
from usher.bootstrap.observe import logger
from usher.bootstrap.tracing import traced
from usher.domain.errors import PermanentError, RetryableError
from usher.usecases.reconciling import RunCommand

C = TypeVar("C", bound=RunCommand)


def run_step(
    command_type: type[C],
) -> Callable[[Callable[[C], BaseModel]], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Turn `command -> result` into a Lambda handler, as `usher.bootstrap.steps.step` does for sign-ups."""

    def decorate(run: Callable[[C], BaseModel]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        name = run.__module__.rpartition(".")[2]

        @wraps(run)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            command = parsed(command_type, event, name)
            ids: dict[str, Any] = {"run_id": command.run_id, "correlation_id": command.correlation_id}
            try:
                with traced(name, **ids):
                    result = run(command).model_dump(mode="json")
            except (RetryableError, PermanentError) as error:
                final = isinstance(error, PermanentError)
                count("StepFailed" if final else "StepRetried", step=name)
                logger.warning("step failed", step=name, error=type(error).__name__, final=final, **ids)
                wire = PermanentError if final else RetryableError
                raise wire(f"{name}: {type(error).__name__}: {error}") from error
            logger.info("step done", step=name, outcome=result["outcome"], **ids)
            return result

        return handler

    return decorate
