"""Services of the steps that ask the payment vendor for its lists: in the lane that yields to all others."""

from dataclasses import dataclass

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_listing import StripeListing
from usher.bootstrap.admission import admission
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import reconciliation
from usher.ports.billing_listing import BillingListing
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.created import Created
from usher.records.events import EventLog
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations
from usher.settings import settings
from usher.usecases.looking import Looking


@dataclass(frozen=True, slots=True)
class ReconcilingServices:
    """What comparing, and looking again, needs."""

    listing: BillingListing
    looking: Looking


@per_platform
def services(platform: Platform) -> ReconcilingServices:
    here, store = settings(), platform.store
    calls = StripeCalls(
        api_base=here.stripe_api_base,
        api_key=lambda: platform.secrets.get("stripe_api_key"),
        timeout=here.vendor_timeout_seconds,
        admission=admission(platform, "background"),
    )
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
