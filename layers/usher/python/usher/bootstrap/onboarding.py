"""Services of the onboarding workflow's own steps: records, the log of events and the plans."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import plans
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.signups import Signups


@dataclass(frozen=True, slots=True)
class OnboardingServices:
    """What registering and activating need. No vendor among it."""

    signups: Signups
    log: EventLog
    plans: PlanCatalog
    clock: Clock


@per_platform
def services(platform: Platform) -> OnboardingServices:
    return OnboardingServices(Signups(platform.store), EventLog(platform.store), plans(), platform.clock)
