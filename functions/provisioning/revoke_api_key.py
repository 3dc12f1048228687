"""Step RevokeApiKey of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.undo_provisioning import revoke_api_key


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return revoke_api_key(command, provisioner=s.provisioner, signups=s.signups, clock=s.clock)
