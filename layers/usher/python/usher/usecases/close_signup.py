"""Step CloseSignup: the end of a sign-up that came to nothing, with its reason, told once."""

from usher.domain import times
from usher.domain.event import Event
from usher.domain.onboarding_events import OnboardingExpired, OnboardingRejected, OnboardingRolledBack
from usher.ports.clock import Clock
from usher.ports.store import Absent, Both, ConditionFailed, Item, Present, Write
from usher.records.accounts import closing
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.invitations import giving_back
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult

DECLINED = (
    "card declined",
    "bank debit declined",
    "subscription declined",
)  # the customer's own outcome: nothing for us to mend


def close_signup(
    command: StepCommand, *, signups: Signups, log: EventLog, failures: Failures, clock: Clock
) -> StepResult:
    """Set the final status and close the account, with the event that tells of it, in one transaction.

    The invitation that the sign-up came in by is free again. What was rolled back for a fault that is not
    the customer's goes on the list of failures as well.
    """
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None and signup.verdict is not None  # BeginRollback ran before
    verdict, now = signup.verdict, clock.now()
    failure: Item = {
        "step": verdict["step"],
        "reason": verdict["reason"],
        "since": times.text(now),
        "correlation_id": signup.correlation_id,
    }
    values = {"status": verdict["status"], "stage": verdict["status"], "failure": failure}
    not_yet = Both((Present("signup_id"), Absent("closed_at")))
    writes: list[Write] = [
        signups.changing(
            signup.signup_id, {**values, "closed_at": times.text(now)}, remove=("waiting",), if_=not_yet
        )
    ]
    if "register_signup" in signup.steps and signup.steps["register_signup"]["status"] == "done":
        writes.append(closing(signup.account_id, reason=verdict["reason"], now_text=times.text(now)))
    if signup.invited and signup.invitation_id is not None:
        writes.append(giving_back(signup.invitation_id, signup.signup_id))
    reason, step = verdict["reason"], verdict["step"]
    if verdict["status"] == "rolled_back" and not reason.startswith(DECLINED):
        writes.append(failures.filing_signup("rolled_back", signup, step=step, reason=reason, now=now))
    try:
        log.commit(
            signup.account_id,
            [_event(verdict, signup.signup_id)],
            writes,
            correlation_id=signup.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if not (error.failed.get(0) or {}).get("closed_at"):
            raise  # something else than "it is closed already"
    return OK


def _event(verdict: Item, signup_id: str) -> Event:
    if verdict["status"] == "rejected":
        return OnboardingRejected(signup_id=signup_id, reason=verdict["reason"])
    if verdict["status"] == "expired":
        return OnboardingExpired(signup_id=signup_id, reason=verdict["reason"])
    return OnboardingRolledBack(signup_id=signup_id, reason=verdict["reason"], step=verdict["step"])
