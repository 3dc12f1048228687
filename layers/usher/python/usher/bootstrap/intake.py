"""Services of the intake room. It imports no vendor's SDK."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Store
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class IntakeServices:
    """What receiving a webhook needs."""

    store: Store
    queue: Queue
    keeper: Keeper
    secrets: Secrets
    clock: Clock
    plans: PlanCatalog
    policy: OnboardingPolicy
    public_url: str


@per_platform
def services(platform: Platform) -> IntakeServices:
    return IntakeServices(
        store=platform.store,
        queue=platform.queue,
        keeper=platform.keeper,
        secrets=platform.secrets,
        clock=platform.clock,
        plans=plans(),
        policy=onboarding(),
        public_url=settings().public_url,
    )
