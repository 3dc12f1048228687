"""Step RegisterSignup: choose the way, and open the account with its first person."""

from datetime import datetime

from usher.domain import ids, times
from usher.domain.account_events import AccountCreated, PlanSelected
from usher.domain.event import Event
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Write
from usher.records.accounts import opening, reopening
from usher.records.events import EventLog
from usher.records.invitations import Invitations, claiming
from usher.records.listing import attributes
from usher.records.signups import Signup, Signups
from usher.usecases import gates
from usher.usecases.step import StepCommand, StepResult, mark

STEP = "register_signup"


def register_signup(
    command: StepCommand,
    *,
    signups: Signups,
    invitations: Invitations,
    log: EventLog,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    """Open account and user once, with account.created and plan.selected, in one transaction.

    Their ids follow from the sign-up's, so a second run finds what the first one wrote. A sign-up that is
    refused at the door gets an id for its events and no account; one that is tried anew after a rollback
    gets its former account back. A valid invitation is used up in the same transaction: of two sign-ups
    with one key the loser's fails, and its next try finds the key used.
    """
    signup = signups.get(command.signup_id)
    if signup.active_at is not None:
        return StepResult()  # a repair: who is in is not sent through the gates again
    now = clock.now()
    account_id, user_id = ids.sibling("acc", signup.signup_id), ids.sibling("usr", signup.signup_id)
    not_invited = _not_invited(signup, invitations, now)
    is_invited = signup.invitation_id is not None and not_invited is None
    signup = signup.model_copy(update={"invited": is_invited})
    came_in = signup.steps.get(STEP, {}).get("status") == "done"  # before, in an execution that broke
    passed = signup.gates_passed if came_in else None
    way = gates.way_of(signup, plans=plans, policy=policy, passed=passed, not_invited=not_invited)
    values, result = gates.entering(signup, way, policy=policy, now=now)
    if signup.invitation_id is not None:
        values["invited"] = is_invited
    listed = attributes(name=signup.name, email=signup.email)
    if result.outcome == "reject":
        refused = mark(command, STEP, now, status="failed", error=values["verdict"]["reason"])
        signups.change(signup.signup_id, {**values, **refused, **listed, "account_id": account_id})
        return result
    used: list[Write] = []
    if is_invited:
        assert signup.invitation_id is not None
        used.append(claiming(signup.invitation_id, signup.signup_id, now=now))
    progress = {
        "stage": "registered",
        "account_id": account_id,
        "user_id": user_id,
        **listed,
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
            [account, user, signups.changing(signup.signup_id, progress), *used],
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
            writes = [reopening(account_id), signups.changing(signup.signup_id, progress), *used]
            log.commit(
                account_id,
                gates.told(signup.signup_id, values),
                writes,
                correlation_id=command.correlation_id,
                now=now,
            )
    return result


def _not_invited(signup: Signup, invitations: Invitations, now: datetime) -> str | None:
    """What is wrong with the invitation key that the sign-up brought; None for a good one, and for none."""
    if signup.invitation_id is None:
        return None
    invitation = invitations.find(signup.invitation_id)
    if invitation is None:
        return "its invitation key is none of ours"
    return invitation.refusal(signup.signup_id, now)
