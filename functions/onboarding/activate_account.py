"""Step ActivateAccount of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.activate_account import activate_account
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return activate_account(command, signups=s.signups, log=s.log, clock=s.clock)
