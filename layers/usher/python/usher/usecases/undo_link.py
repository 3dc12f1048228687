"""Steps WithdrawLink, RefundLink and CloseLink: a payment link's onboarding undone, last thing first."""

from usher.domain import times
from usher.domain.events import Event, OnboardingExpired, OnboardingRejected, OnboardingRolledBack
from usher.domain.onboarding import REOPENABLE
from usher.domain.payment_links import ENDED
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.ports.store import Absent, ConditionFailed, Item, Write
from usher.ports.teams import Teams
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.link_onboardings import LinkOnboardings, closing_account, is_its_own
from usher.records.listing import Listing, Wanted
from usher.records.signups import LinkOnboarding
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_stages import changed
from usher.usecases.provision_link import company_of
from usher.usecases.step import OK, StepCommand, StepResult, mark


def withdraw_link(
    command: StepCommand,
    *,
    provisioner: Provisioner,
    teams: Teams,
    onboardings: LinkOnboardings,
    listing: Listing,
    plans: PlanCatalog,
    clock: Clock,
) -> StepResult:
    """Take back credits and plan; workspace and team too where this onboarding made them and nobody else is in.

    A team that was there before stays, without an account of ours when that one began here.
    """
    link = onboardings.link(command.signup_id)
    assert link.account_id is not None
    to = {"correlation_id": link.correlation_id}
    if link.tenant_id is not None:
        provisioner.delete_credits(tenant_id=link.tenant_id, grant=link.grant, **to)
    if is_its_own(link) and not _is_shared(link, listing):
        provisioner.delete_tenant(account_id=link.account_id, **to)
        teams.delete_team(account_id=link.account_id, **to)
    elif link.offer.plan and link.former_plan and "provision_link" in link.steps:
        tenant_id = provisioner.put_tenant(
            account_id=link.account_id, company=company_of(link), plan=link.former_plan, **to
        )
        flags = plans.plans[link.former_plan].flags
        provisioner.put_flags(tenant_id=tenant_id, flags=flags, **to)
    onboardings.change(link.signup_id, mark(command, "withdraw_link", clock.now()))
    return OK


def refund_link(command: StepCommand, *, desk: LinkDesk) -> StepResult:
    """Close the link, then pay back whatever was paid, and end what its checkouts made."""
    link = desk.onboardings.link(command.signup_id)
    assert link.verdict is not None  # BeginRollback ran before
    if link.link_id is not None:
        desk.links.close(link.link_id)
        for checkout in desk.links.checkouts(link.link_id):
            if checkout.state == "paid":
                desk.give_back(link, checkout, str(link.verdict["reason"]))
            elif (
                checkout.state != "processing"
            ):  # that money is still on its way, and goes back when it comes
                desk.give_up(link, checkout)
    desk.onboardings.change(link.signup_id, mark(command, "refund_link", desk.clock.now()))
    return OK


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

    What was rolled back by our own fault goes on the list of failures; what a customer did or did not do is
    their outcome.
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
    writes: list[Write] = [
        onboardings.changing(link.signup_id, values, remove=("waiting",), if_=Absent("closed_at"))
    ]
    if verdict["status"] == "rolled_back" and verdict["step"] != "await_link_payment":
        writes.append(
            failures.filing_signup(
                "rolled_back", link, step=verdict["step"], reason=verdict["reason"], now=now
            )
        )
    happened = [changed(link, values["stage"]), _ended(link)]
    if is_its_own(link) and not _is_shared(link, listing):
        try:
            _commit(
                link, happened, [*writes, closing_account(link.account_id, reason=verdict["reason"], now=now)]
            )
            return OK
        except ConditionFailed as error:
            if link.closed:
                return OK
    return OK
