"""Schedule sweep-outbox: events that the stream lost are published."""

from usher.bootstrap.notices import scheduled
from usher.bootstrap.reporting import services
from usher.usecases.publish_events import sweep_outbox


@scheduled
def handler() -> int:
    s = services()
    return sweep_outbox(bus=s.bus, outbox=s.outbox, clock=s.clock, time_scale=s.time_scale)
