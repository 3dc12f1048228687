"""Step RegisterSignup: choose the path, and open the account with its first person."""

from usher.domain import ids, times
from usher.domain.events import AccountCreated, Event, PlanSelected
from usher.domain.onboarding import choose_path
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.records.accounts import opening
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.usecases.step import OK, STOP, StepCommand, StepResult, mark

STEP = "register_signup"


def register_signup(
    command: StepCommand, *, signups: Signups, log: EventLog, plans: PlanCatalog, clock: Clock
) -> StepResult:
    """Open account and user once, with account.created and plan.selected, in one transaction.

    Their ids follow from the sign-up's, so a second run finds what the first one wrote.
    """
    signup = signups.get(command.signup_id)
    now = clock.now()
    path = choose_path(
        signup.plan,
        plans.plans[signup.plan],
        payment=signup.payment,
        has_payment_method=signup.payment_method is not None,
        trial=signup.trial,
    )
    if not path.go:
        signups.change(signup.signup_id, mark(command, STEP, now, status="failed", error=path.reason))
        return STOP
    account_id, user_id = ids.sibling("acc", signup.signup_id), ids.sibling("usr", signup.signup_id)
    progress = {
        "status": "provisioning",
        "stage": "registered",
        "account_id": account_id,
        "user_id": user_id,
        "trial_days": path.trial_days,
        **mark(command, STEP, now),
    }
    happened: list[Event] = [AccountCreated(signup_id=signup.signup_id), PlanSelected(plan=signup.plan)]
    account, user = opening(signup, account_id=account_id, user_id=user_id, created_at=times.text(now))
    try:
        log.commit(
            account_id,
            happened,
            [account, user, signups.changing(signup.signup_id, progress)],
            correlation_id=command.correlation_id,
            now=now,
            context={"user_id": user_id},
            is_new_account=True,
        )
    except ConditionFailed as error:
        if error.failed.get(0) is None:
            raise  # something else than "the account exists already"
    return OK
