"""Step WithdrawFromCrm of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.crm import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.withdraw_from_crm import withdraw_from_crm


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return withdraw_from_crm(
        command, withdrawal=s.withdrawal, signups=s.signups, plans=s.plans, clock=s.clock
    )
