"""Step RefundLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.refund_link import refund_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    return refund_link(command, desk=services().desk)
