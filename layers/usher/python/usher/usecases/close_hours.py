"""Schedule close-hours: hours of usage that have settled are sent on to be reported."""

from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.records.usage_hours import UsageHours

QUEUE = "usage-reports"


def close_hours(*, hours: UsageHours, queue: Queue, clock: Clock) -> int:
    """Returns how many. One that is lost on the way is due again after its lease: reports are told once."""
    now = clock.now()
    keys = hours.take_due(now)
    # A name of its own for each time: a queue drops what it was sent before, were it worked off or not.
    moment = int(now.timestamp())
    messages = [
        Message(key, group=key["meter"][:128], deduplication_id=f"{moment}-{number}")
        for number, key in enumerate(keys)
    ]
    if messages:
        queue.send(QUEUE, messages)
    return len(messages)
