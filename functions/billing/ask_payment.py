"""Step AskPayment of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.billing import services
from usher.bootstrap.steps import step
from usher.usecases.ask_payment import ask_payment
from usher.usecases.step import AskCommand, StepResult


@step(AskCommand)
def handler(command: AskCommand) -> StepResult:
    s = services()
    return ask_payment(command, asker=s.asker, payments=s.payments, store=s.store, queue=s.queue)
