"""Step RegisterSignup of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.register_signup import register_signup
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return register_signup(
        command,
        signups=s.signups,
        invitations=s.invitations,
        log=s.log,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    )
