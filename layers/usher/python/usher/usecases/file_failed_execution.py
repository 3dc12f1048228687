"""An execution that ended badly by itself (a bug, an exhausted retry) is filed on its sign-up and told."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.events import OnboardingDegraded, OnboardingFailed
from usher.domain.onboarding import FINAL
from usher.domain.strict_json import parse
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.usecases.report_failure import report_failure


class ExecutionEnded(BaseModel):
    """The detail of a Step Functions status change. `input` is the execution's input as JSON text."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    execution_arn: str = Field(alias="executionArn")
    status: str
    input: str | None = None
    error: str | None = None
    cause: str | None = None


def file_failed_execution(
    ended: ExecutionEnded, *, signups: Signups, log: EventLog, chat: Chat, clock: Clock, public_url: str
) -> bool:
    """Mark the sign-up failed, with the execution to redrive; returns whether there was one to mark.

    The cause may quote data of the customer, so only the error's name is kept; the execution has the rest.
    """
    signup_id = _signup_id(ended)
    signup = signups.find(signup_id) if signup_id else None
    if signup is None or (signup.status in FINAL and signup.active_at is None):
        return False
    if signup.failure is not None and signup.failure.get("execution") == ended.execution_arn:
        return False  # the bus delivered it twice
    now = clock.now()
    reason = f"the workflow ended as {ended.status} ({ended.error or 'no error named'}); redrive resumes it"
    told = report_failure(
        chat,
        signup,
        headline="Sign-up broke",
        step=_unfinished(signup.steps) or "unknown",
        reason=reason,
        now=now,
        public_url=public_url,
    )
    failure = {**told, "execution": ended.execution_arn}
    status, kind = ("degraded", OnboardingDegraded) if signup.active_at else ("failed", OnboardingFailed)
    values = {"status": status, "failure": failure}
    if signup.account_id is None:
        signups.change(signup.signup_id, values)
        return True
    log.commit(
        signup.account_id,
        [kind(signup_id=signup.signup_id, step=failure["step"], reason=reason)],
        [signups.changing(signup.signup_id, values)],
        correlation_id=signup.correlation_id,
        now=now,
    )
    return True


def _signup_id(ended: ExecutionEnded) -> str | None:
    given: Any = parse(ended.input.encode()) if ended.input else None
    signup_id = given.get("signup_id") if isinstance(given, dict) else None
    return signup_id if isinstance(signup_id, str) else None


def _unfinished(steps: dict[str, dict[str, Any]]) -> str | None:
    return next((name for name, step in steps.items() if step["status"] != "done"), None)
