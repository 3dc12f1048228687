"""The desk that follows payment links, the same in every room that looks at their payments."""

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_closing import StripeCloser
from usher.adapters.stripe_links import StripePaymentLinks
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.waits import Waits
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_returns import LinkReturns


def link_desk(platform: Platform, calls: StripeCalls, billing: StripeBilling) -> LinkDesk:
    """The desk of this platform, over connections that its room has anyway."""
    log = EventLog(platform.store)
    records, onboardings = BillingRecords(platform.store, log), LinkOnboardings(platform.store)
    return LinkDesk(
        links=StripePaymentLinks(calls, billing),
        returns=LinkReturns(
            billing=billing,
            closer=StripeCloser(calls),
            records=records,
            onboardings=onboardings,
            log=log,
            clock=platform.clock,
        ),
        billing=billing,
        records=records,
        accounts=Accounts(platform.store),
        onboardings=onboardings,
        log=log,
        waits=Waits(platform.store),
        workflows=platform.workflows,
        clock=platform.clock,
    )
