"""Step RevokeApiKey of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.revoke_api_key import revoke_api_key
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return revoke_api_key(command, provisioner=s.provisioner, signups=s.signups, clock=s.clock)
