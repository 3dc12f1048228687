"""Services of the steps that ask the payment vendor for its lists: in the lane that yields to all others."""

from dataclasses import dataclass

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_listing import StripeListing
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import reconciliation
from usher.bootstrap.stripe import stripe_calls
from usher.ports.billing_listing import BillingListing
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.created import Created
from usher.records.events import EventLog
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations
from usher.usecases.looking import Looking


@dataclass(frozen=True, slots=True)
class ReconcilingServices:
    """What comparing, and looking again, needs."""

    listing: BillingListing
    looking: Looking


@per_platform
def services(platform: Platform) -> ReconcilingServices:
    store = platform.store
    calls = stripe_calls(platform, "background")
    looking = Looking(
        billing=StripeBilling(calls),
        records=BillingRecords(store, EventLog(store)),
        accounts=Accounts(store),
        created=Created(store),
        mismatches=Mismatches(store),
        runs=Reconciliations(store),
        policy=reconciliation(),
        clock=platform.clock,
    )
    return ReconcilingServices(StripeListing(calls), looking)
