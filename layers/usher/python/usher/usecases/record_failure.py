"""Step RecordFailure: a sign-up that cannot succeed ends in a visible state, with the reason, and is told."""

from usher.domain import times
from usher.domain.events import OnboardingFailed
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.ports.store import Write
from usher.records.accounts import closing
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.usecases.report_failure import failed_step, report_failure
from usher.usecases.step import OK, StepCommand, StepResult


def record_failure(
    command: StepCommand, *, signups: Signups, log: EventLog, chat: Chat, clock: Clock, public_url: str
) -> StepResult:
    """Close the records with the reason and post it to the operators' channel; once per failure.

    A failure that was filed of a broken execution is replaced: its redrive has come to a reason of its own.
    """
    signup = signups.get(command.signup_id)
    step, reason = failed_step(signup)
    known = signup.failure or {}
    if signup.status == "failed" and (known.get("step"), known.get("reason")) == (step, reason):
        return OK
    now = clock.now()
    failure = report_failure(
        chat,
        signup,
        headline=f"Sign-up stopped at {step}",
        step=step,
        reason=reason,
        now=now,
        public_url=public_url,
    )
    progress = signups.changing(signup.signup_id, {"status": "failed", "stage": "failed", "failure": failure})
    if signup.account_id is None:
        signups.change(signup.signup_id, progress.set)
        return OK
    writes: list[Write] = [progress, closing(signup.account_id, reason=reason, now_text=times.text(now))]
    log.commit(
        signup.account_id,
        [OnboardingFailed(signup_id=signup.signup_id, step=step, reason=reason)],
        writes,
        correlation_id=signup.correlation_id,
        now=now,
    )
    return OK
