"""Step SendLinkWelcome of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.mail import services
from usher.bootstrap.steps import step
from usher.usecases.send_link_welcome import send_link_welcome
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return send_link_welcome(command, notices=s.notices, onboardings=s.onboardings, log=s.log, clock=s.clock)
