"""Services of what sells to accounts that exist: checkouts, offers, and what becomes of what they make."""

from dataclasses import dataclass

from usher.adapters.stripe_offers import StripeOffers
from usher.adapters.stripe_portal import StripePortal
from usher.adapters.stripe_trials import StripeTrials
from usher.bootstrap import billing
from usher.bootstrap.platform import per_platform
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.checkout import Offers
from usher.ports.platform import Platform
from usher.ports.portal import Portal
from usher.ports.secrets import Secrets
from usher.ports.trials import Trials
from usher.records.events import EventLog
from usher.records.unbilled import UnbilledPlans
from usher.settings import settings
from usher.usecases.migrate_beta import Migrating
from usher.usecases.open_checkout import Selling
from usher.usecases.refuse_second_subscription import Refusing


@dataclass(frozen=True, slots=True)
class CheckoutServices:
    """What selling to an account needs."""

    selling: Selling
    refusing: Refusing
    offers: Offers
    portal: Portal
    trials: Trials
    unbilled: UnbilledPlans
    migrating: Migrating
    policy: OnboardingPolicy
    secrets: Secrets
    public_url: str


@per_platform
def services(platform: Platform) -> CheckoutServices:
    b = billing.services()
    log = EventLog(platform.store)
    offers = StripeOffers(b.calls)
    return CheckoutServices(
        selling=Selling(
            store=platform.store,
            accounts=b.accounts,
            signups=b.signups,
            records=b.records,
            billing=b.billing,
            checkouts=b.payments.checkouts,
            plans=b.plans,
            clock=platform.clock,
        ),
        refusing=Refusing(
            billing=b.billing, closer=b.undoing.closer, records=b.records, log=log, clock=platform.clock
        ),
        offers=offers,
        portal=StripePortal(b.calls),
        trials=StripeTrials(b.calls),
        unbilled=b.unbilled,
        migrating=Migrating(
            accounts=b.accounts,
            unbilled=b.unbilled,
            offers=offers,
            log=log,
            queue=platform.queue,
            plans=b.plans,
            policy=b.policy,
            clock=platform.clock,
        ),
        policy=b.policy,
        secrets=platform.secrets,
        public_url=settings().public_url,
    )
