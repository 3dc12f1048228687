"""Step SendWelcomeMail of statemachines/onboarding.asl.yaml."""

from usher.bootstrap.mail import services
from usher.bootstrap.steps import step
from usher.usecases.send_welcome_mail import send_welcome_mail
from usher.usecases.step import StepCommand, StepResult


@step(StepCommand)
def handler(command: StepCommand) -> StepResult:
    s = services()
    return send_welcome_mail(
        command,
        mailer=s.mailer,
        mails=s.mails,
        signups=s.signups,
        log=s.log,
        policy=s.policy,
        clock=s.clock,
        index_lag=s.index_lag,
    )
