"""Step ActivateAccount: the ids of both branches meet in one record, and the customer is let in (B2)."""

from usher.domain import times
from usher.domain.account_events import AccountActivated
from usher.ports.clock import Clock
from usher.ports.store import Absent, Both, ConditionFailed, Present
from usher.records.accounts import activating
from usher.records.events import EventLog
from usher.records.signups import Signups, activation_timing
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "activate_account"


def activate_account(command: StepCommand, *, signups: Signups, log: EventLog, clock: Clock) -> StepResult:
    """Open the account, mark the sign-up active and tell of it, all in one transaction; once."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # RegisterSignup ran before
    if signup.active_at is not None:
        return OK
    now = clock.now()
    timing = activation_timing(signup.received_at, now)
    progress = {"status": "active", "stage": "activated", **timing, **mark(command, STEP, now)}
    happened = AccountActivated(
        signup_id=signup.signup_id,
        plan=signup.plan,
        milliseconds_to_active=timing["milliseconds_to_active"],
    )
    not_yet = Both((Present("signup_id"), Absent("active_at")))
    try:
        log.commit(
            signup.account_id,
            [happened],
            [
                # A redrive comes this far after a failure was filed: who is in has none any more.
                signups.changing(signup.signup_id, progress, remove=("failure",), if_=not_yet),
                activating(signup, account_id=signup.account_id, now_text=times.text(now)),
            ],
            correlation_id=command.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if not (error.failed.get(0) or {}).get("active_at"):
            raise  # something else than "another try was faster"
    return OK
