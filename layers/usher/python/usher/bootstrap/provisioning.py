"""Services of the provisioning room: the product's own API."""

from dataclasses import dataclass

from usher.adapters.product_provisioner import ProductProvisioner
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import plans
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.provisioner import Provisioner
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class ProvisioningServices:
    """What provisioning steps need."""

    provisioner: Provisioner
    signups: Signups
    plans: PlanCatalog
    clock: Clock


@per_platform
def services(platform: Platform) -> ProvisioningServices:
    here = settings()
    return ProvisioningServices(
        provisioner=ProductProvisioner(
            api_base=here.product_api_base,
            api_key=lambda: platform.secrets.get("product_api_key"),
            timeout=here.vendor_timeout_seconds,
        ),
        signups=Signups(platform.store),
        plans=plans(),
        clock=platform.clock,
    )
