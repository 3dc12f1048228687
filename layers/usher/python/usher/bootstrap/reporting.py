"""Services of the reporting room: the bus and what is not yet on it."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.ports.bus import Bus
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.events import Outbox
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class ReportingServices:
    """What publishing needs."""

    bus: Bus
    outbox: Outbox
    clock: Clock
    time_scale: float


@per_platform
def services(platform: Platform) -> ReportingServices:
    return ReportingServices(platform.bus, Outbox(platform.store), platform.clock, settings().time_scale)
