"""Step MarkDegraded: the customer is active; what CRM or mail lacks is left to be repaired."""

from usher.domain.events import OnboardingDegraded
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.records.events import EventLog
from usher.records.signups import Signups, given_up
from usher.usecases.report_failure import reason_of, report_failure
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
    if signup.steps.get(step, {}).get("status") == "done":
        return OK  # only the answers of its tries were lost
    now = clock.now()
    failure = report_failure(
        chat,
        signup,
        headline=f"Customer active, but {step} failed",
        step=step,
        reason=reason,
        now=now,
        public_url=public_url,
    )
    end = given_up(signup, step, finished_at=failure["since"])
    log.commit(
        signup.account_id,
        [OnboardingDegraded(signup_id=signup.signup_id, step=step, reason=reason)],
        [signups.changing(signup.signup_id, {"status": "degraded", "failure": failure, **end})],
        correlation_id=signup.correlation_id,
        now=now,
    )
    return OK
