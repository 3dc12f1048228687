"""Step ProvisionLink of statemachines/payment_link.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.provision_link import provision_link
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return provision_link(
        command,
        provisioner=s.provisioner,
        onboardings=s.onboardings,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    )
