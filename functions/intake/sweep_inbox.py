"""Schedule sweep-inbox: webhooks that were claimed and never finished are queued again."""

from usher.bootstrap.dispatch import services
from usher.bootstrap.notices import scheduled
from usher.bootstrap.parking import tell_parked
from usher.usecases.sweep_inbox import sweep_inbox


@scheduled
def handler() -> int:
    s = services()
    return sweep_inbox(
        inbox=s.inbox, failures=s.failures, queue=s.queue, clock=s.clock, on_parked=tell_parked
    )
