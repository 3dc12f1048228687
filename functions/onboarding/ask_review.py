"""Step AskReview of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.steps import step
from usher.usecases.ask_review import ask_review
from usher.usecases.step import AskCommand, StepResult


@step(AskCommand)
def handler(command: AskCommand) -> StepResult:
    return ask_review(command, asker=services().asker)
