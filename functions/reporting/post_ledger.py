"""Consumer of the queue `ledger`: events that money hangs on become entries, each fact once."""

from collections.abc import Sequence

from usher.bootstrap.consumers import batch_consumer
from usher.bootstrap.ledger import desk
from usher.domain.event import Envelope
from usher.usecases.post_ledger import post_ledger


@batch_consumer(Envelope)
def handler(events: Sequence[Envelope]) -> dict[int, Exception]:
    return post_ledger(events, desk=desk())
