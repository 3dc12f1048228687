"""What a collector's queue gave up on: whoever waits for it is told, so that nobody waits for nothing."""

from usher.domain.errors import NotFound, PermanentError
from usher.ports.clock import Clock
from usher.ports.workflows import Workflows
from usher.records.signups import Signups
from usher.usecases.step import mark
from usher.usecases.step_batch import QueuedStep

REASON = "GivenUp: the collector's queue delivered this step as often as it may and nothing answered"


def fail_waiting_token(step: QueuedStep, *, signups: Signups, workflows: Workflows, clock: Clock) -> str:
    """Note the failure on the sign-up and fail the task that waits; returns what became of it.

    A step that is done meanwhile is told so. Permanent, because what kills its function would do so again:
    the customer stays active and a person redrives (docs/architecture.md).
    """
    try:
        status = signups.get(step.signup_id).steps.get(step.step, {}).get("status")
        if status == "done":
            return _said(workflows.succeed(step.task_token, {"outcome": "ok"}), "done")
        if status != "failed":  # else its own reason says more
            given_up = mark(step, step.step, clock.now(), status="failed", error=REASON)
            signups.change(step.signup_id, given_up)
    except NotFound:
        pass  # no record to note it on; the execution itself says what became of it
    told = workflows.fail(step.task_token, error=PermanentError.__name__, cause=f"{step.step}: {REASON}")
    return _said(told, "failed")


def _said(told: bool, what: str) -> str:
    return what if told else "nobody waits"
