"""Steps RevokeApiKey, RemoveTenant and RemoveIdentity: provisioning undone, last thing first.

Everything hangs on names of ours, so each undo works whether or not its step ever answered.
"""

from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signups
from usher.usecases.issue_api_key import KEY_NAME, grant_of
from usher.usecases.step import OK, StepCommand, StepResult, mark


def revoke_api_key(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, clock: Clock
) -> StepResult:
    """Take back the starting credits and the key. Without a tenant on record there can be neither."""
    signup = signups.get(command.signup_id)
    if signup.tenant_id is not None:
        to = {"tenant_id": signup.tenant_id, "correlation_id": signup.correlation_id}
        provisioner.delete_credits(grant=grant_of(signup), **to)
        provisioner.delete_api_key(key_name=KEY_NAME, **to)
    signups.change(signup.signup_id, mark(command, "revoke_api_key", clock.now()))
    return OK


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


def remove_identity(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, clock: Clock
) -> StepResult:
    """Delete the identity user, so that the same address can sign up again."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None
    provisioner.delete_identity(account_id=signup.account_id, correlation_id=signup.correlation_id)
    signups.change(signup.signup_id, mark(command, "remove_identity", clock.now()))
    return OK
