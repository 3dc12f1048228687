"""Services of the backfill of Stripe's events."""

from dataclasses import dataclass

from usher.adapters.stripe_events import StripeEvents
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.bootstrap.stripe import stripe_calls
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.store import Store
from usher.ports.vendor_events import VendorEvents


@dataclass(frozen=True, slots=True)
class BackfillServices:
    """What a backfill needs."""

    events: VendorEvents
    store: Store
    queue: Queue
    keeper: Keeper
    clock: Clock
    keep_days: int


@per_platform
def services(platform: Platform) -> BackfillServices:
    calls = stripe_calls(platform)
    return BackfillServices(
        events=StripeEvents(calls),
        store=platform.store,
        queue=platform.queue,
        keeper=platform.keeper,
        clock=platform.clock,
        keep_days=onboarding().inbox_retention_days,
    )
