"""Step CloseLink: the end of a payment link's onboarding that came to nothing, with its reason, told once."""

from datetime import datetime

from usher.domain import times
from usher.domain.event import Event
from usher.domain.onboarding_events import OnboardingExpired, OnboardingRejected, OnboardingRolledBack
from usher.domain.payment_links import ENDED
from usher.ports.clock import Clock
from usher.ports.store import Absent, ConditionFailed, Item, Write
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.link_onboardings import LinkOnboardings, closing_account, is_its_own, is_shared
from usher.records.listing import Listing
from usher.records.signups import LinkOnboarding
from usher.usecases.link_stages import changed
from usher.usecases.link_standing import GIVEN_BACK, NOT_PAID
from usher.usecases.step import OK, StepCommand, StepResult


def close_link(
    command: StepCommand,
    *,
    onboardings: LinkOnboardings,
    listing: Listing,
    log: EventLog,
    failures: Failures,
    clock: Clock,
) -> StepResult:
    """Set the final status and stage and tell of both, in one transaction, once.

    What was rolled back for a fault that is not the customer's goes on the list of failures as well.
    """
    link, now = onboardings.link(command.signup_id), clock.now()
    assert link.account_id is not None and link.verdict is not None  # BeginRollback ran before
    verdict = link.verdict
    failure: Item = {
        "step": verdict["step"],
        "reason": verdict["reason"],
        "since": times.text(now),
        "correlation_id": link.correlation_id,
    }
    values: Item = {
        "status": verdict["status"],
        "stage": ENDED[verdict["status"]],
        "failure": failure,
        "closed_at": times.text(now),
    }
    if is_its_own(link) and not is_shared(link, listing):
        _close_account(link, onboardings, reason=verdict["reason"], now=now)
    writes: list[Write] = [
        onboardings.changing(link.signup_id, values, remove=("waiting",), if_=Absent("closed_at"))
    ]
    reason, step = verdict["reason"], verdict["step"]
    if verdict["status"] == "rolled_back" and not reason.startswith((GIVEN_BACK, NOT_PAID)):
        writes.append(failures.filing_signup("rolled_back", link, step=step, reason=reason, now=now))
    try:
        log.commit(
            link.account_id,
            [changed(link, values["stage"]), _ended(link)],
            writes,
            correlation_id=link.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if not (error.failed.get(0) or {}).get("closed_at"):
            raise  # something else than "it is closed already"
    return OK


def _close_account(link: LinkOnboarding, onboardings: LinkOnboardings, *, reason: str, now: datetime) -> None:
    assert link.account_id is not None
    try:
        onboardings.write([closing_account(link.account_id, reason=reason, now=now)])
    except ConditionFailed:
        return  # it is closed already, or was opened for use by another onboarding


def _ended(link: LinkOnboarding) -> Event:
    assert link.verdict is not None
    status, reason = link.verdict["status"], link.verdict["reason"]
    if status == "rejected":
        return OnboardingRejected(signup_id=link.signup_id, reason=reason)
    if status == "expired":
        return OnboardingExpired(signup_id=link.signup_id, reason=reason)
    return OnboardingRolledBack(signup_id=link.signup_id, reason=reason, step=link.verdict["step"])
