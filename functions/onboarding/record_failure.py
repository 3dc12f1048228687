"""Step RecordFailure of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.steps import step
from usher.bootstrap.telling import services
from usher.usecases.record_failure import record_failure
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return record_failure(
        command, signups=s.signups, log=s.log, chat=s.chat, clock=s.clock, public_url=s.public_url
    )
