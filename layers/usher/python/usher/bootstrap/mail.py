"""Services of the mail room: Postmark behind the mail port."""

from dataclasses import dataclass
from datetime import timedelta

from usher.adapters.postmark_mail import PostmarkMail
from usher.bootstrap.admission import admission
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
from usher.usecases.post import Post
from usher.usecases.send_notice import Notices


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
    notices: Notices


@per_platform
def services(platform: Platform) -> MailServices:
    here = settings()
    mailer = PostmarkMail(
        api_base=here.postmark_api_base,
        api_key=lambda: platform.secrets.get("postmark_api_key"),
        sender=onboarding().mail_sender,
        timeout=here.vendor_timeout_seconds,
        admission=admission(platform),
    )
    mails, signups = Mails(platform.store), Signups(platform.store)
    index_lag = timedelta(seconds=here.mail_index_lag_seconds)
    return MailServices(
        mailer=mailer,
        mails=mails,
        signups=signups,
        log=EventLog(platform.store),
        policy=onboarding(),
        clock=platform.clock,
        index_lag=index_lag,
        notices=Notices(
            signups=signups,
            post=Post(mailer, mails, platform.clock, index_lag),
            policy=onboarding(),
            secrets=platform.secrets,
            public_url=here.public_url,
        ),
    )
