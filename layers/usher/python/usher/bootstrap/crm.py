"""Services of the CRM room: HubSpot behind the CRM port."""

from dataclasses import dataclass

from usher.adapters.hubspot_crm import HubSpotCrm
from usher.adapters.hubspot_withdrawal import HubSpotWithdrawal
from usher.bootstrap.admission import admission
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import plans
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.crm import Crm, CrmWithdrawal
from usher.ports.platform import Platform
from usher.ports.store import Store
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class CrmServices:
    """What CRM steps need."""

    crm: Crm
    withdrawal: CrmWithdrawal
    store: Store
    signups: Signups
    plans: PlanCatalog
    clock: Clock


@per_platform
def services(platform: Platform) -> CrmServices:
    here = settings()
    return CrmServices(
        crm=HubSpotCrm(
            api_base=here.hubspot_api_base,
            api_key=lambda: platform.secrets.get("hubspot_api_key"),
            timeout=here.vendor_timeout_seconds,
            admission=admission(platform),
        ),
        withdrawal=HubSpotWithdrawal(
            api_base=here.hubspot_api_base,
            api_key=lambda: platform.secrets.get("hubspot_api_key"),
            timeout=here.vendor_timeout_seconds,
            admission=admission(platform),
        ),
        store=platform.store,
        signups=Signups(platform.store),
        plans=plans(),
        clock=platform.clock,
    )
