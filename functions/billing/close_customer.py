"""Step CloseCustomer of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.undo_billing import close_customer


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    return close_customer(command, undoing=services().undoing)
