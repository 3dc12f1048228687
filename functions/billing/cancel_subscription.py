"""Step CancelSubscription of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.undo_billing import cancel_subscription


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    return cancel_subscription(command, undoing=services().undoing)
