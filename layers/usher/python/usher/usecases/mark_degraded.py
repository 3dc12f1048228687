"""Step MarkDegraded: the customer is active; what CRM or mail lacks is left to be repaired."""

from usher.domain import times
from usher.domain.events import OnboardingDegraded
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.records.events import EventLog
from usher.records.signups import Signups, given_up
from usher.usecases.report_failure import reason_of, tell_operators
from usher.usecases.step import OK, StepCommand, StepResult


class MarkDegraded(StepCommand):
    """Input of the step: which step was given up."""

    step: str


def mark_degraded(
    command: MarkDegraded, *, signups: Signups, log: EventLog, chat: Chat, clock: Clock, public_url: str
) -> StepResult:
    """Set the status, keep the reason, and tell the operators of the step that is missing."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # only active sign-ups degrade
    step, reason = command.step, reason_of(signup, command.step)
    if signup.failure is not None and signup.failure["step"] == step:
        return OK
    now = clock.now()
    failure = {
        "step": step,
        "reason": reason,
        "since": times.text(now),
        "correlation_id": signup.correlation_id,
    }
    untold = tell_operators(
        chat, signup, headline=f"Customer active, but {step} failed", reason=reason, public_url=public_url
    )
    if untold:
        failure["untold"] = untold
    end = given_up(signup, step, finished_at=failure["since"])
    log.commit(
        signup.account_id,
        [OnboardingDegraded(signup_id=signup.signup_id, step=step, reason=reason)],
        [signups.changing(signup.signup_id, {"status": "degraded", "failure": failure, **end})],
        correlation_id=signup.correlation_id,
        now=now,
    )
    return OK
