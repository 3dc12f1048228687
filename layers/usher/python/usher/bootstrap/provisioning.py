"""Services of the provisioning room: the product's own API."""

from dataclasses import dataclass

from usher.adapters.product_teams import ProductTeams
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.provisioner import Provisioner
from usher.ports.teams import Teams
from usher.records.link_onboardings import LinkOnboardings
from usher.records.listing import Listing
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class ProvisioningServices:
    """What provisioning steps need."""

    provisioner: Provisioner
    teams: Teams
    signups: Signups
    onboardings: LinkOnboardings
    listing: Listing
    plans: PlanCatalog
    policy: OnboardingPolicy
    clock: Clock


@per_platform
def services(platform: Platform) -> ProvisioningServices:
    here = settings()
    product = ProductTeams(
        api_base=here.product_api_base,
        api_key=lambda: platform.secrets.get("product_api_key"),
        timeout=here.vendor_timeout_seconds,
    )
    return ProvisioningServices(
        provisioner=product,
        teams=product,
        signups=Signups(platform.store),
        onboardings=LinkOnboardings(platform.store),
        listing=Listing(platform.store),
        plans=plans(),
        policy=onboarding(),
        clock=platform.clock,
    )
