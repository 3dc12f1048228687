"""Step RegisterSignup: choose the way, and open the account with its first person."""

from usher.domain import ids, times
from usher.domain.events import AccountCreated, Event, PlanSelected
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.records.accounts import opening, reopening
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.usecases import gates
from usher.usecases.step import StepCommand, StepResult, mark

STEP = "register_signup"


def register_signup(
    command: StepCommand,
    *,
    signups: Signups,
    log: EventLog,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    """Open account and user once, with account.created and plan.selected, in one transaction.

    Their ids follow from the sign-up's, so a second run finds what the first one wrote. A sign-up that is
    refused at the door gets an id for its events and no account; one that is tried anew after a rollback
    gets its former account back.
    """
    signup = signups.get(command.signup_id)
    now = clock.now()
    account_id, user_id = ids.sibling("acc", signup.signup_id), ids.sibling("usr", signup.signup_id)
    values, result = gates.entering(
        signup, gates.way_of(signup, plans=plans, policy=policy), policy=policy, now=now
    )
    if result.outcome == "reject":
        refused = mark(command, STEP, now, status="failed", error=values["verdict"]["reason"])
        signups.change(signup.signup_id, {**values, **refused, "account_id": account_id})
        return result
    progress = {
        "stage": "registered",
        "account_id": account_id,
        "user_id": user_id,
        **values,
        **mark(command, STEP, now),
    }
    happened: list[Event] = [
        AccountCreated(signup_id=signup.signup_id),
        PlanSelected(plan=signup.plan),
        *gates.told(signup.signup_id, values),
    ]
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
        former = error.failed.get(0)
        if former is None:
            raise  # something else than "the account exists already"
        if former["status"] == "closed":
            writes = [reopening(account_id), signups.changing(signup.signup_id, progress)]
            log.commit(
                account_id,
                gates.told(signup.signup_id, values),
                writes,
                correlation_id=command.correlation_id,
                now=now,
            )
    return result
