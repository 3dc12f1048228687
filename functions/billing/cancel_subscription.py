"""Step CancelSubscription of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.cancel_subscription import cancel_subscription
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    return cancel_subscription(command, undoing=services().undoing)
