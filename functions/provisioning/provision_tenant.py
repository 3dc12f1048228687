"""Step ProvisionTenant of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.provisioning import services
from usher.bootstrap.steps import step
from usher.usecases.provision_tenant import provision_tenant
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return provision_tenant(
        command, provisioner=s.provisioner, signups=s.signups, plans=s.plans, clock=s.clock
    )
