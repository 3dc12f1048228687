"""Step CloseSignup of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.filing import services
from usher.bootstrap.steps import step
from usher.usecases.close_signup import close_signup
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return close_signup(command, signups=s.signups, log=s.log, failures=s.failures, clock=s.clock)
