"""Services of selling by payment link: Stripe and the product's teams, records, the mail of the link."""

from usher.adapters.product_teams import ProductTeams
from usher.adapters.stripe_billing import StripeBilling
from usher.bootstrap import mending
from usher.bootstrap.link_desk import link_desk
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.bootstrap.stripe import stripe_calls
from usher.ports.platform import Platform
from usher.records.inbox import Inbox
from usher.settings import settings
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_requests import LinkRequests
from usher.usecases.open_payment_link import LinkOpening
from usher.usecases.prepare_payment_link import LinkMaker


def _desk(platform: Platform) -> LinkDesk:
    calls = stripe_calls(platform, "reserved")
    return link_desk(platform, calls, StripeBilling(calls))


@per_platform
def requests(platform: Platform) -> LinkRequests:
    """What acting on a link that is there needs."""
    return LinkRequests(_desk(platform), platform.queue, mending.services().redriving)


@per_platform
def opening(platform: Platform) -> LinkOpening:
    """What making a link needs."""
    here, desk = settings(), requests().desk
    teams = ProductTeams(
        api_base=here.product_api_base,
        api_key=lambda: platform.secrets.get("product_api_key"),
        timeout=here.vendor_timeout_seconds,
    )
    maker = LinkMaker(
        teams=teams,
        links=desk.links,
        onboardings=desk.onboardings,
        policy=onboarding(),
        clock=platform.clock,
    )
    return LinkOpening(
        maker=maker,
        accounts=desk.accounts,
        records=desk.records,
        log=desk.log,
        inbox=Inbox(platform.store),
        workflows=platform.workflows,
        redriving=mending.services().redriving,
        plans=plans(),
        public_url=here.public_url,
    )
