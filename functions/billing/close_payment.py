"""Step ClosePayment of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.close_payment import close_payment
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return close_payment(command, asker=s.asker, payments=s.payments, closer=s.undoing.closer)
