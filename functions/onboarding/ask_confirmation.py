"""Step AskConfirmation of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.ask_confirmation import ask_confirmation
from usher.usecases.step import AskCommand, StepResult


@step(AskCommand)
def handler(command: AskCommand) -> StepResult:
    s = services()
    return ask_confirmation(command, asker=s.asker, queue=s.queue)
