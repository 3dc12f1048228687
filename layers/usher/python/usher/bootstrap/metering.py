"""Services of what tells the payment vendor of usage."""

from dataclasses import dataclass

from usher.adapters.stripe_meters import StripeMeters
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import plans, usage
from usher.bootstrap.stripe import stripe_calls
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy
from usher.ports.clock import Clock
from usher.ports.meters import Meters
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.subscribers import Subscribers
from usher.records.usage_hours import UsageHours


@dataclass(frozen=True, slots=True)
class MeteringServices:
    """What a report needs."""

    hours: UsageHours
    subscribers: Subscribers
    meters: Meters
    plans: PlanCatalog
    policy: UsagePolicy
    clock: Clock


@per_platform
def services(platform: Platform) -> MeteringServices:
    calls = stripe_calls(platform)
    return MeteringServices(
        hours=UsageHours(platform.store, EventLog(platform.store)),
        subscribers=Subscribers(platform.store),
        meters=StripeMeters(calls),
        plans=plans(),
        policy=usage(),
        clock=platform.clock,
    )
