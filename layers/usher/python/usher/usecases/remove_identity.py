"""Step RemoveIdentity: the login goes, and the address is free to sign up again."""

from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark


def remove_identity(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, clock: Clock
) -> StepResult:
    """Delete the identity user, so that the same address can sign up again."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None
    provisioner.delete_identity(account_id=signup.account_id, correlation_id=signup.correlation_id)
    signups.change(signup.signup_id, mark(command, "remove_identity", clock.now()))
    return OK
