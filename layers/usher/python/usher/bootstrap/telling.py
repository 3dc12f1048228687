"""Services of whatever tells the operators: records to tell of, and the queue to their channel."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.store import Store
from usher.records.failures import Failures
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class TellingServices:
    """What putting an event into words needs. No vendor among it."""

    signups: Signups
    failures: Failures
    store: Store
    queue: Queue
    policy: OnboardingPolicy
    clock: Clock
    public_url: str


@per_platform
def services(platform: Platform) -> TellingServices:
    return TellingServices(
        signups=Signups(platform.store),
        failures=Failures(platform.store),
        store=platform.store,
        queue=platform.queue,
        policy=onboarding(),
        clock=platform.clock,
        public_url=settings().public_url,
    )
