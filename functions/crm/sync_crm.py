"""Step SyncCrm of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.crm import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.sync_crm import sync_crm


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return sync_crm(command, crm=s.crm, signups=s.signups, plans=s.plans, clock=s.clock)
