"""Services of the billing room: Stripe behind the billing port, and our copies of what it holds."""

from dataclasses import dataclass

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_checkout import StripeCheckouts
from usher.adapters.stripe_closing import StripeCloser
from usher.adapters.stripe_fees import StripeFees
from usher.adapters.stripe_shelf import StripeShelf
from usher.bootstrap.asking import asker
from usher.bootstrap.filing import failures
from usher.bootstrap.link_desk import link_desk
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.bootstrap.stripe import stripe_calls
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.fees import VendorFees
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.store import Store
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.inbox import Inbox
from usher.records.signups import Signups
from usher.records.trial_claims import TrialClaims
from usher.records.unbilled import UnbilledPlans
from usher.usecases.answer_wait import Asker
from usher.usecases.catalog_drift import catalog_drift
from usher.usecases.first_payment import FirstPayments
from usher.usecases.link_payment import LinkDesk
from usher.usecases.trial_guard import TrialGuard
from usher.usecases.undoing import Undoing


@dataclass(frozen=True, slots=True)
class BillingServices:
    """What billing steps and sync need."""

    calls: StripeCalls
    billing: BillingGateway
    fees: VendorFees
    payments: FirstPayments
    undoing: Undoing
    desk: LinkDesk
    store: Store
    queue: Queue
    records: BillingRecords
    unbilled: UnbilledPlans
    guard: TrialGuard
    signups: Signups
    accounts: Accounts
    inbox: Inbox
    failures: Failures
    asker: Asker
    plans: PlanCatalog
    policy: OnboardingPolicy
    clock: Clock

    def drift(self) -> str | None:
        """How Stripe's catalog differs from ours; None when it does not."""
        return catalog_drift(shelf=StripeShelf(self.calls), plans=self.plans, clock=self.clock)


@per_platform
def services(platform: Platform) -> BillingServices:
    calls = stripe_calls(platform)
    billing = StripeBilling(calls, plans().metered())
    checkouts = StripeCheckouts(calls, billing)
    log = EventLog(platform.store)
    records, unbilled = BillingRecords(platform.store, log), UnbilledPlans(platform.store, log)
    signups = Signups(platform.store)
    return BillingServices(
        calls=calls,
        billing=billing,
        fees=StripeFees(calls),
        payments=FirstPayments(billing=billing, checkouts=checkouts, signups=signups),
        undoing=Undoing(
            billing=billing,
            closer=StripeCloser(calls),
            checkouts=checkouts,
            records=records,
            unbilled=unbilled,
            accounts=Accounts(platform.store),
            signups=signups,
            clock=platform.clock,
        ),
        desk=link_desk(platform, calls, billing),
        store=platform.store,
        queue=platform.queue,
        records=records,
        unbilled=unbilled,
        guard=TrialGuard(TrialClaims(platform.store), onboarding().trial),
        signups=signups,
        accounts=Accounts(platform.store),
        inbox=Inbox(platform.store),
        failures=failures(platform),
        asker=asker(platform),
        plans=plans(),
        policy=onboarding(),
        clock=platform.clock,
    )
