"""Services of the mail room: Postmark behind the mail port."""

from dataclasses import dataclass
from datetime import timedelta

from usher.adapters.postmark_mail import PostmarkMail
from usher.bootstrap.admission import admission
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.mails import Mails
from usher.records.signups import Signups
from usher.records.unbilled import UnbilledPlans
from usher.records.users import Users
from usher.settings import settings
from usher.usecases.account_notices import AccountNotices
from usher.usecases.post import Post
from usher.usecases.send_notice import Notices


@dataclass(frozen=True, slots=True)
class MailServices:
    """What mail steps need."""

    post: Post
    signups: Signups
    onboardings: LinkOnboardings
    log: EventLog
    policy: OnboardingPolicy
    clock: Clock
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
    lag, signups = timedelta(seconds=here.mail_index_lag_seconds), Signups(platform.store)
    post = Post(mailer, Mails(platform.store), platform.clock, lag)
    return MailServices(
        post=post,
        signups=signups,
        onboardings=LinkOnboardings(platform.store),
        log=EventLog(platform.store),
        policy=onboarding(),
        clock=platform.clock,
        notices=Notices(
            signups=signups,
            of_accounts=_of_accounts(platform),
            post=post,
            policy=onboarding(),
            secrets=platform.secrets,
            public_url=here.public_url,
        ),
    )


def _of_accounts(platform: Platform) -> AccountNotices:
    log = EventLog(platform.store)
    return AccountNotices(
        accounts=Accounts(platform.store),
        users=Users(platform.store),
        records=BillingRecords(platform.store, log),
        unbilled=UnbilledPlans(platform.store, log),
        plans=plans(),
        policy=onboarding(),
        secrets=platform.secrets,
        clock=platform.clock,
        public_url=settings().public_url,
    )
