"""Services of changing subscriptions: Stripe's side, our copies, the policy."""

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_change_costs import StripeChangeCosts
from usher.adapters.stripe_changes import StripeChanges
from usher.adapters.stripe_closing import StripeCloser
from usher.adapters.stripe_meters import StripeMeters
from usher.adapters.stripe_refunds import StripeRefunds
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import changes, plans, usage
from usher.bootstrap.stripe import stripe_calls
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.change_leases import ChangeLeases
from usher.records.events import EventLog
from usher.records.subscribers import Subscribers
from usher.records.usage_hours import UsageHours
from usher.usecases.flush_usage import UsageFlush
from usher.usecases.subscription_desk import SubscriptionDesk


@per_platform
def desk(platform: Platform) -> SubscriptionDesk:
    calls = stripe_calls(platform)
    billing = StripeBilling(calls)
    return SubscriptionDesk(
        accounts=Accounts(platform.store),
        records=BillingRecords(platform.store, EventLog(platform.store)),
        leases=ChangeLeases(platform.store),
        billing=billing,
        changes=StripeChanges(calls, billing.prices),
        costs=StripeChangeCosts(calls, billing.prices),
        closer=StripeCloser(calls),
        refunds=StripeRefunds(calls),
        catalog=plans(),
        policy=changes(),
        usage=UsageFlush(
            hours=UsageHours(platform.store, EventLog(platform.store)),
            subscribers=Subscribers(platform.store),
            meters=StripeMeters(calls),
            plans=plans(),
            policy=usage(),
            clock=platform.clock,
        ),
        clock=platform.clock,
    )
