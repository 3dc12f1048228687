"""Step CloseLinkPayment of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.close_link_payment import close_link_payment
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return close_link_payment(command, desk=s.desk, policy=s.policy)
