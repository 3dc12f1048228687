"""Step SendWelcomeMail of statemachines/onboarding.asl.yaml, collected from the queue `mail`."""

from collections.abc import Sequence

from usher.bootstrap.collectors import collector
from usher.bootstrap.mail import services
from usher.usecases.send_welcome_mail import send_welcome_mail
from usher.usecases.step import StepCommand
from usher.usecases.step_batch import Outcome


@collector
def handler(commands: Sequence[StepCommand]) -> list[Outcome]:
    s = services()
    return send_welcome_mail(
        commands, post=s.post, signups=s.signups, log=s.log, policy=s.policy, clock=s.clock
    )
