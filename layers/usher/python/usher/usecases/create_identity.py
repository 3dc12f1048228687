"""Step CreateIdentity: give the account's first person a user in the product."""

from usher.ports.clock import Clock
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "create_identity"


def create_identity(
    command: StepCommand, *, provisioner: Provisioner, signups: Signups, clock: Clock
) -> StepResult:
    """Put the identity under the account's id, so that repeating it changes nothing."""
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # RegisterSignup ran before
    identity_id = provisioner.put_identity(
        account_id=signup.account_id,
        email=signup.email,
        name=signup.name,
        sso_subject=signup.sso_subject,
        correlation_id=signup.correlation_id,
    )
    signups.change(signup.signup_id, {"identity_id": identity_id, **mark(command, STEP, clock.now())})
    return OK
