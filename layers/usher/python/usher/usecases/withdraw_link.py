"""Step WithdrawLink: what a payment link's onboarding was given is taken back."""

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.ports.teams import Teams
from usher.records.link_onboardings import LinkOnboardings, is_its_own, is_shared
from usher.records.listing import Listing
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
    """Take back credits and plan; workspace and team too when this onboarding made them for itself alone.

    A team that was there before stays, without an account of ours when that one began here.
    """
    link = onboardings.link(command.signup_id)
    assert link.account_id is not None
    to = {"correlation_id": link.correlation_id}
    if link.tenant_id is not None:
        provisioner.delete_credits(tenant_id=link.tenant_id, grant=link.grant, **to)
    if is_its_own(link) and not is_shared(link, listing):
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
