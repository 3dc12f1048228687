"""Stream of the table `events`: what was stored is published to the bus."""

from usher.bootstrap.notices import stream_consumer
from usher.bootstrap.reporting import services
from usher.ports.store import Item
from usher.usecases.publish_events import publish_events


@stream_consumer
def handler(items: list[Item]) -> list[int]:
    s = services()
    return publish_events(items, bus=s.bus, outbox=s.outbox)
