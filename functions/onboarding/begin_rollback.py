"""Step BeginRollback of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.begin_rollback import begin_rollback
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return begin_rollback(command, signups=s.signups, clock=s.clock)
