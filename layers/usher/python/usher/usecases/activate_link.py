"""Step ActivateLink: paid and provisioned, so the account is active; the time that took is measured."""

from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.account_events import AccountActivated
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.store import Absent, Both, ConditionFailed, Present
from usher.records.accounts import Accounts
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings, activating_account
from usher.records.signups import activation_timing
from usher.usecases.link_stages import reaching
from usher.usecases.step import StepCommand, StepResult, mark

STEP = "activate_link"


class LinkActivated(StepResult):
    """`check_seconds` from now somebody looks at the account; `milliseconds` it took since it was paid."""

    check_seconds: int
    milliseconds: int


def activate_link(
    command: StepCommand,
    *,
    onboardings: LinkOnboardings,
    accounts: Accounts,
    log: EventLog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> LinkActivated:
    """Account and onboarding are active, and told so, in one transaction; once."""
    link, now = onboardings.link(command.signup_id), clock.now()
    assert link.account_id is not None and link.paid_at is not None  # it was paid before
    active_at = times.moment(link.stages["activated"]) if "activated" in link.stages else now
    took = max(0, round((active_at - times.moment(link.paid_at)).total_seconds() * 1000))
    result = LinkActivated(check_seconds=_check_seconds(active_at, policy, now), milliseconds=took)
    moved = reaching(link, "activated", now=now)
    if moved is None:
        return result
    account = accounts.find(link.account_id)
    is_new = account is None or account.status != "active"
    timing = activation_timing(link.received_at, now)
    values = {
        **moved.values,
        **timing,
        "status": "active",
        "milliseconds_paid_to_active": took,
        **mark(command, STEP, now),
    }
    activated = AccountActivated(
        signup_id=link.signup_id,
        plan=link.offer.plan or "",
        milliseconds_to_active=timing["milliseconds_to_active"],
    )
    condition = Both((Present("signup_id"), moved.condition, Absent("verdict")))
    try:
        log.commit(
            link.account_id,
            [*([activated] if is_new else []), *moved.events],
            [
                onboardings.changing(link.signup_id, values, remove=("failure",), if_=condition),
                activating_account(link, is_new=is_new, now=now),
            ],
            correlation_id=command.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if 0 not in error.failed or "activated" not in onboardings.link(link.signup_id).stages:
            raise  # something else than "another try was faster"
    return result


def _check_seconds(active_at: datetime, policy: OnboardingPolicy, now: datetime) -> int:
    """From now to the moment of the check, which a repair of the mail does not move."""
    check_at = active_at + timedelta(hours=policy.payment_link.check_after_hours)
    return max(1, round((check_at - now).total_seconds()))
