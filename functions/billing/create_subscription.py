"""Step CreateSubscription of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.create_subscription import create_subscription
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return create_subscription(
        command,
        billing=s.billing,
        records=s.records,
        unbilled=s.unbilled,
        signups=s.signups,
        guard=s.guard,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    )
