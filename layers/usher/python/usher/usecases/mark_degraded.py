"""Step MarkDegraded: the customer is active; what CRM or mail lacks is left to be repaired."""

from usher.domain import times
from usher.domain.event import Event
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.onboarding_events import OnboardingDegraded
from usher.ports.clock import Clock
from usher.ports.store import Item
from usher.records.events import EventLog
from usher.records.failures import Failures, next_try, of_signup
from usher.records.signups import Signups, given_up, reason_of
from usher.usecases.step import OK, STOP, StepCommand, StepResult, mark


class MarkDegraded(StepCommand):
    """Input of the step: which step was given up."""

    step: str


def mark_degraded(
    command: MarkDegraded,
    *,
    signups: Signups,
    log: EventLog,
    failures: Failures,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    """Set the status, keep the reason, put it on the list of failures and tell of it, in one transaction.

    Answers `stop` for a new customer whom policy would rather undo than have without the CRM; who was let in
    before stays. What lacks after a repair that Usher tried by itself is filed again and not told again.
    """
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # only active sign-ups degrade
    step, reason = command.step, reason_of(signup, command.step)
    row = failures.find(of_signup(signup.signup_id))
    if signup.failure is not None and signup.failure["step"] == step and row and row.state == "open":
        return OK
    if signup.steps.get(step, {}).get("status") == "done":
        return OK  # only the answers of its tries were lost
    now = clock.now()
    if step == "sync_crm" and policy.crm_failure == "strict" and signup.status == "active":
        if step in signup.steps:
            ended = given_up(signup, step, finished_at=times.text(now))
        else:  # no try of it lived to tell
            ended = mark(command, step, now, status="failed", error=reason)
        if ended:
            signups.change(signup.signup_id, ended)
        return STOP
    failure: Item = {
        "step": step,
        "reason": reason,
        "since": times.text(now),
        "correlation_id": signup.correlation_id,
    }
    filed = failures.filing_signup(
        "degraded", signup, step=step, reason=reason, now=now, next_try_at=next_try(row, policy, now)
    )
    is_news = row is None or row.state != "redriving" or row.redriven_by == "person"
    happened: list[Event] = [OnboardingDegraded(signup_id=signup.signup_id, step=step, reason=reason)]
    end = given_up(signup, step, finished_at=failure["since"])
    log.commit(
        signup.account_id,
        happened if is_news else [],
        [signups.changing(signup.signup_id, {"status": "degraded", "failure": failure, **end}), filed],
        correlation_id=signup.correlation_id,
        now=now,
    )
    return OK
