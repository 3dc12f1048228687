"""Publishing of stored events: from the table's stream to the bus, and by sweep what the stream lost."""

from collections.abc import Sequence
from datetime import timedelta

from usher.ports.bus import Bus
from usher.ports.clock import Clock
from usher.ports.store import Item
from usher.records.events import SHARDS, Outbox, envelope

STREAM_LAG = timedelta(minutes=1)  # of real time: however fast business time runs, a stream takes its own


def publish_events(items: Sequence[Item], *, bus: Bus, outbox: Outbox) -> list[int]:
    """Publish stored events; returns the positions that the bus refused, whose outbox entries stay."""
    if not items:
        return []
    refused = set(bus.publish([envelope(item).model_dump(mode="json") for item in items]))
    outbox.published(item for position, item in enumerate(items) if position not in refused)
    return sorted(refused)


def sweep_outbox(*, bus: Bus, outbox: Outbox, clock: Clock, time_scale: float = 1.0) -> int:
    """Publish what the stream should have published a minute ago; returns how many events that were.

    Consumers are idempotent: an event that the stream publishes late after all comes twice.
    """
    count = 0
    for shard in range(SHARDS):
        for entry in outbox.unpublished(shard, older_than=STREAM_LAG * time_scale, now=clock.now()).items:
            events = outbox.events_of(entry)
            count += len(events) - len(publish_events(events, bus=bus, outbox=outbox))
    return count
