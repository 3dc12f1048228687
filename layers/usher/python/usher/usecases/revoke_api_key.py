"""Step RevokeApiKey: credits and key first, so that nothing works on a tenant that is going away."""

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
