"""Step CloseSignup: the end of a sign-up that came to nothing, with its reason, told once."""

from usher.domain import times
from usher.domain.events import Event, OnboardingExpired, OnboardingRejected, OnboardingRolledBack
from usher.ports.clock import Clock
from usher.ports.store import Absent, Both, ConditionFailed, Item, Present, Write
from usher.records.accounts import closing
from usher.records.events import EventLog
from usher.records.invitations import giving_back
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult


def close_signup(command: StepCommand, *, signups: Signups, log: EventLog, clock: Clock) -> StepResult:
    """Set the final status and close the account, with the event that tells of it, in one transaction.

    The invitation that the sign-up came in by is free again.
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
