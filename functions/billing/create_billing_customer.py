"""Step CreateBillingCustomer of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.create_billing_customer import create_billing_customer
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return create_billing_customer(
        command, billing=s.billing, store=s.store, signups=s.signups, plans=s.plans, clock=s.clock
    )
