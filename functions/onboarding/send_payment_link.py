"""Step SendPaymentLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.link_steps import services
from usher.bootstrap.steps import step
from usher.usecases.send_payment_link import send_payment_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return send_payment_link(command, onboardings=s.onboardings, log=s.log, queue=s.queue, clock=s.clock)
