"""Step SendLinkWelcome: what was paid is confirmed, with the welcome pack."""

from usher.domain import money
from usher.domain.errors import PermanentError, UsherError
from usher.domain.onboarding_events import OnboardingCompleted
from usher.ports.clock import Clock
from usher.ports.mail import Mail
from usher.ports.store import ConditionFailed
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding
from usher.usecases.link_stages import reaching
from usher.usecases.send_notice import Notices
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "send_link_welcome"
TEMPLATE = "link-welcome"


def send_link_welcome(
    command: StepCommand,
    *,
    notices: Notices,
    onboardings: LinkOnboardings,
    log: EventLog,
    clock: Clock,
) -> StepResult:
    """Send it once, to the address given or the one typed at the checkout; that completes the onboarding."""
    link = onboardings.link(command.signup_id)
    assert link.account_id is not None
    if "welcome_sent" in link.stages:
        return OK
    if not link.email:
        raise PermanentError("nobody told an e-mail address: send the welcome pack by hand")
    mail = _mail(link, notices)
    answer = notices.post.send_once({link.account_id: mail})[mail.mail_id]
    if isinstance(answer, UsherError):
        raise answer
    now = clock.now()
    moved = reaching(link, "welcome_sent", now=now)
    assert moved is not None  # looked at above
    values = {
        **moved.values,
        "status": "active",
        "welcome_message_id": answer,
        **mark(command, STEP, now),
    }
    write = onboardings.changing(link.signup_id, values, remove=("failure",), if_=moved.condition)
    completed = OnboardingCompleted(signup_id=link.signup_id, plan=link.offer.plan or "")
    try:
        log.commit(
            link.account_id,
            [*moved.events, completed],
            [write],
            correlation_id=command.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if 0 not in error.failed:
            raise  # something else than "another try was faster"
    return OK


def _mail(link: LinkOnboarding, notices: Notices) -> Mail:
    return Mail(
        mail_id=f"{TEMPLATE}/{link.signup_id}/{link.attempt}",
        to=link.email,
        template=TEMPLATE,
        stream=notices.policy.welcome_stream,
        tag=TEMPLATE,
        model={
            "name": link.name or link.team_name,
            "team": link.team_name,
            "what": link.offer.title,
            "amount": money.text(link.offer.amount_minor, link.offer.currency),
            "product_url": notices.policy.product_url,
        },
        correlation_id=link.correlation_id,
    )
