"""Services of the billing room: Stripe behind the billing port, and our copies of what it holds."""

from dataclasses import dataclass

from usher.adapters.stripe_billing import StripeBilling
from usher.bootstrap.platform import per_platform
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.store import Store
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.inbox import Inbox
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class BillingServices:
    """What billing steps and sync need."""

    billing: BillingGateway
    store: Store
    records: BillingRecords
    signups: Signups
    accounts: Accounts
    inbox: Inbox
    clock: Clock


@per_platform
def services(platform: Platform) -> BillingServices:
    here = settings()
    return BillingServices(
        billing=StripeBilling(
            api_base=here.stripe_api_base,
            api_key=lambda: platform.secrets.get("stripe_api_key"),
            timeout=here.vendor_timeout_seconds,
        ),
        store=platform.store,
        records=BillingRecords(platform.store, EventLog(platform.store)),
        signups=Signups(platform.store),
        accounts=Accounts(platform.store),
        inbox=Inbox(platform.store),
        clock=platform.clock,
    )
