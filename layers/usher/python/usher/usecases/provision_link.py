"""Step ProvisionLink: what was paid for is given: credits added, or the plan activated."""

from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding, finished
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "provision_link"


def provision_link(
    command: StepCommand,
    *,
    provisioner: Provisioner,
    onboardings: LinkOnboardings,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    """Each a put on a name of ours: a run that died between them is completed by the next.

    Who buys credits keeps the plan they have; a new team begins on the plan that policy names.
    """
    link = onboardings.link(command.signup_id)
    assert link.account_id is not None
    if "activated" in link.stages:
        return OK  # a repair of the mail: all of it was given before
    to = {"correlation_id": link.correlation_id}
    tenant_id = link.tenant_id
    if link.offer.plan or tenant_id is None:
        plan = link.offer.plan or policy.payment_link.base_plan
        tenant_id = provisioner.put_tenant(
            account_id=link.account_id, company=company_of(link), plan=plan, **to
        )
        onboardings.change(link.signup_id, {"tenant_id": tenant_id})
        provisioner.put_flags(tenant_id=tenant_id, flags=plans.plans[plan].flags, **to)
    if amount := credits_of(link, plans):
        provisioner.put_credits(tenant_id=tenant_id, grant=link.grant, amount=amount, **to)
    now = clock.now()
    waited = finished(link, "await_link_payment", now=now)
    onboardings.change(link.signup_id, {**waited, **mark(command, STEP, now)})
    return OK


def credits_of(link: LinkOnboarding, plans: PlanCatalog) -> int:
    """The credits that come with what was bought."""
    return link.offer.credits or (plans.plans[link.offer.plan].credits if link.offer.plan else 0)


def company_of(link: LinkOnboarding) -> str:
    """The name of the team's workspace."""
    return link.team_name or link.name or link.phone or link.signup_id
