"""Step RemoveIdentity of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.remove_identity import remove_identity
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return remove_identity(command, provisioner=s.provisioner, signups=s.signups, clock=s.clock)
