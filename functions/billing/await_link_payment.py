"""Step AwaitLinkPayment of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.await_link_payment import await_link_payment
from usher.usecases.step import AskCommand, StepResult


@step(AskCommand)
def handler(command: AskCommand) -> StepResult:
    s = services()
    return await_link_payment(command, desk=s.desk, queue=s.queue)
