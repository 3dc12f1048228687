"""Services of the usage room: what was used is taken in, counted and shown. No vendor among it."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import plans, usage
from usher.domain.plans import PlanCatalog
from usher.domain.recent import Recent
from usher.domain.usage import UsagePolicy
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.records.events import EventLog
from usher.records.subscribers import Subscribers
from usher.records.usage import UsageBook
from usher.records.usage_hours import UsageHours


@dataclass(frozen=True, slots=True)
class UsageServices:
    """What taking in and counting need. `recent` is what this process has buffered lately."""

    book: UsageBook
    hours: UsageHours
    subscribers: Subscribers
    queue: Queue
    recent: Recent
    plans: PlanCatalog
    policy: UsagePolicy
    clock: Clock


@per_platform
def services(platform: Platform) -> UsageServices:
    log = EventLog(platform.store)
    return UsageServices(
        book=UsageBook(platform.store, log, plans=plans(), policy=usage()),
        hours=UsageHours(platform.store, log),
        subscribers=Subscribers(platform.store),
        queue=platform.queue,
        recent=Recent(),
        plans=plans(),
        policy=usage(),
        clock=platform.clock,
    )
