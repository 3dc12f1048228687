"""Step IssueApiKey: the tenant's first API key and the credits its plan starts with."""

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "issue_api_key"
KEY_NAME = "first"


def issue_api_key(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, plans: PlanCatalog, clock: Clock
) -> StepResult:
    """Issue the key named `first`, and grant the plan's credits once under the sign-up's name."""
    signup = signups.get(command.signup_id)
    assert signup.tenant_id is not None  # ProvisionTenant ran before
    correlation_id = signup.correlation_id
    key_id = provisioner.put_api_key(
        tenant_id=signup.tenant_id, key_name=KEY_NAME, correlation_id=correlation_id
    )
    if credits := plans.plans[signup.plan].credits:
        provisioner.put_credits(
            tenant_id=signup.tenant_id,
            grant=grant_of(signup),
            amount=credits,
            correlation_id=correlation_id,
        )
    signups.change(signup.signup_id, {"api_key_id": key_id, **mark(command, STEP, clock.now())})
    return OK


def grant_of(signup: Signup) -> str:
    """The name under which a sign-up's starting credits are granted, once."""
    return f"signup-{signup.signup_id}"
