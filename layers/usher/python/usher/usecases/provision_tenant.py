"""Step ProvisionTenant: the account's tenant, its subdomain and the feature flags of its plan (B4)."""

import re

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "provision_tenant"


def provision_tenant(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, plans: PlanCatalog, clock: Clock
) -> StepResult:
    """Three puts on names of ours: a run that died between them is completed by the next."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # RegisterSignup ran before
    correlation_id = signup.correlation_id
    tenant_id = provisioner.put_tenant(
        account_id=signup.account_id,
        company=signup.company_name,
        plan=signup.plan,
        correlation_id=correlation_id,
    )
    subdomain = provisioner.put_subdomain(
        tenant_id=tenant_id, wanted=wanted_subdomain(signup), correlation_id=correlation_id
    )
    flags = plans.plans[signup.plan].flags
    provisioner.put_flags(tenant_id=tenant_id, flags=flags, correlation_id=correlation_id)
    ids = {"tenant_id": tenant_id, "subdomain": subdomain}
    signups.change(signup.signup_id, {**ids, **mark(command, STEP, clock.now())})
    return OK


def wanted_subdomain(signup: Signup) -> str:
    """A DNS label from the company's name (RFC 1035: letters, digits, inner hyphens, at most 63)."""
    label = re.sub(r"[^a-z0-9]+", "-", signup.company_name.casefold()).strip("-")[:40].strip("-")
    return label or f"team-{signup.signup_id[-8:]}"
