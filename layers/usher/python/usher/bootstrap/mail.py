"""Services of the mail room: Postmark behind the mail port."""

from dataclasses import dataclass
from datetime import timedelta

from usher.adapters.postmark_mail import PostmarkMail
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.mail import Mailer
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.mails import Mails
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class MailServices:
    """What mail steps need."""

    mailer: Mailer
    mails: Mails
    signups: Signups
    log: EventLog
    policy: OnboardingPolicy
    clock: Clock
    index_lag: timedelta


@per_platform
def services(platform: Platform) -> MailServices:
    here = settings()
    return MailServices(
        mailer=PostmarkMail(
            api_base=here.postmark_api_base,
            api_key=lambda: platform.secrets.get("postmark_api_key"),
            sender=onboarding().mail_sender,
            timeout=here.vendor_timeout_seconds,
        ),
        mails=Mails(platform.store),
        signups=Signups(platform.store),
        log=EventLog(platform.store),
        policy=onboarding(),
        clock=platform.clock,
        index_lag=timedelta(seconds=here.mail_index_lag_seconds),
    )
