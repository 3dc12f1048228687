"""Step WithdrawLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.withdraw_link import withdraw_link


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return withdraw_link(
        command,
        provisioner=s.provisioner,
        teams=s.teams,
        onboardings=s.onboardings,
        listing=s.listing,
        plans=s.plans,
        clock=s.clock,
    )
