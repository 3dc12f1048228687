"""Step MarkDegraded of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.filing import services
from usher.bootstrap.steps import step
from usher.usecases.mark_degraded import MarkDegraded, mark_degraded
from usher.usecases.step import StepResult


@step(MarkDegraded)
def handler(command: MarkDegraded) -> StepResult:
    s = services()
    return mark_degraded(
        command, signups=s.signups, log=s.log, failures=s.failures, policy=s.policy, clock=s.clock
    )
