"""Step CloseWait of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.close_wait import CloseWait, close_wait
from usher.usecases.step import StepResult


@step(CloseWait)
def handler(command: CloseWait) -> StepResult:
    return close_wait(command, asker=services().asker)
