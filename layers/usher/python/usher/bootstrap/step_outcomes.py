"""How a step's outcome is told: on the sign-up's record, in the log, as a metric, to the workflow by name."""

from typing import Any

from usher.bootstrap.metrics import count, milliseconds
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import platform
from usher.domain.errors import NotFound, PermanentError, RetryableError
from usher.domain.onboarding import step_of
from usher.records.signups import Signups
from usher.usecases.step import StepCommand, StepResult, mark


def done(command: StepCommand, name: str, result: StepResult) -> dict[str, Any]:
    """Log the result and the step's time; returns the result as the workflow gets it."""
    took = platform().clock.now() - command.entered_at
    milliseconds("StepTime", took.total_seconds() * 1000, step=name)
    logger.info("step done", step=name, outcome=result.outcome, **ids(command))
    return result.model_dump(mode="json")


def failed(
    command: StepCommand, name: str, error: RetryableError | PermanentError
) -> RetryableError | PermanentError:
    """Note, count and log a failed try; returns the error under one of the two names a workflow can match."""
    final = isinstance(error, PermanentError)
    count("StepFailed" if final else "StepRetried", step=name)
    logger.warning("step failed", step=name, error=type(error).__name__, final=final, **ids(command))
    message = f"{type(error).__name__}: {error}"
    noted = isinstance(error, NotFound) or _note(command, name, is_final=final, error=message)
    # What cannot succeed is tried again until its reason is on record, where the workflow's next state
    # looks for it.
    wire = PermanentError if final and noted else RetryableError
    return wire(f"{name}: {message}")


def ids(command: StepCommand) -> dict[str, Any]:
    """What every line and trace of a step carries."""
    return {"signup_id": command.signup_id, "correlation_id": command.correlation_id}


def _note(command: StepCommand, name: str, *, is_final: bool, error: str) -> bool:
    """Record how this try ended, so that a person sees a step that is retrying, and why.

    Returns whether it is on record. A late try takes nothing back from one that succeeded meanwhile.
    """
    here = platform()
    signups, name = Signups(here.store), step_of(name)
    status = "failed" if is_final else "retrying"
    try:
        if not is_final and signups.get(command.signup_id).steps.get(name, {}).get("status") == "done":
            return True
        signups.change(command.signup_id, mark(command, name, here.clock.now(), status=status, error=error))
    except RetryableError as failure:
        logger.warning("step not noted", step=name, error=type(failure).__name__)
        return False
    return True
