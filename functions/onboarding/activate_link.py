"""Step ActivateLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.link_steps import services
from usher.bootstrap.metrics import PAID_TO_ACTIVE, milliseconds
from usher.bootstrap.steps import step
from usher.usecases.activate_link import activate_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    done = activate_link(
        command, onboardings=s.onboardings, accounts=s.accounts, log=s.log, policy=s.policy, clock=s.clock
    )
    milliseconds(PAID_TO_ACTIVE, done.milliseconds)
    return done
