"""Step CloseLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.link_steps import services
from usher.bootstrap.steps import step
from usher.usecases.close_link import close_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return close_link(
        command,
        onboardings=s.onboardings,
        listing=s.listing,
        log=s.log,
        failures=s.failures,
        clock=s.clock,
    )
