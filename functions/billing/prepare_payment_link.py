"""Step PreparePaymentLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.selling import opening
from usher.bootstrap.steps import step
from usher.usecases.prepare_payment_link import prepare_payment_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    return prepare_payment_link(command, maker=opening().maker)
