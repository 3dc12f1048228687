"""Step OpenCheckTask of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.link_steps import services
from usher.bootstrap.steps import step
from usher.usecases.open_check_task import open_check_task
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return open_check_task(command, onboardings=s.onboardings, log=s.log, clock=s.clock)
