"""Services of selling by payment link: Stripe and the product's teams, records, the mail of the link."""

from dataclasses import dataclass

from usher.adapters.product_teams import ProductTeams
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap.admission import admission
from usher.bootstrap.link_desk import link_desk
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.ports.platform import Platform
from usher.records.inbox import Inbox
from usher.settings import settings
from usher.usecases.link_requests import LinkRequests
from usher.usecases.open_payment_link import LinkOpening
from usher.usecases.prepare_payment_link import LinkMaker


@dataclass(frozen=True, slots=True)
class SellingServices:
    """What making a link, and acting on it, needs."""

    opening: LinkOpening
    requests: LinkRequests


@per_platform
def services(platform: Platform) -> SellingServices:
    here = settings()
    calls = StripeCalls(
        api_base=here.stripe_api_base,
        api_key=lambda: platform.secrets.get("stripe_api_key"),
        timeout=here.vendor_timeout_seconds,
        admission=admission(platform, "reserved"),
    )
    desk = link_desk(platform, calls, StripeBilling(calls))
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
    opening = LinkOpening(
        maker=maker,
        accounts=desk.accounts,
        records=desk.records,
        log=desk.log,
        inbox=Inbox(platform.store),
        workflows=platform.workflows,
        plans=plans(),
        public_url=here.public_url,
    )
    return SellingServices(opening, LinkRequests(desk, platform.queue))
