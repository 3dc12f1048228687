"""Step RemoveTenant: subdomain, flags, tenant; by names of ours, whether or not their step ever answered."""

from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark


def remove_tenant(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, clock: Clock
) -> StepResult:
    """Free the subdomain, drop the flags, delete the tenant."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None
    if signup.tenant_id is not None:
        to = {"tenant_id": signup.tenant_id, "correlation_id": signup.correlation_id}
        provisioner.delete_flags(**to)
        provisioner.delete_subdomain(**to)
    provisioner.delete_tenant(account_id=signup.account_id, correlation_id=signup.correlation_id)
    signups.change(signup.signup_id, mark(command, "remove_tenant", clock.now()))
    return OK
