"""Step CreateIdentity of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.create_identity import create_identity
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return create_identity(command, provisioner=s.provisioner, signups=s.signups, clock=s.clock)
