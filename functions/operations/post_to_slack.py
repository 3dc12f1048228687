"""Consumer of the queue `chat`: what waits is posted to the operators' channel."""

from collections.abc import Sequence

from usher.bootstrap.posting import batch_consumer, services
from usher.domain.errors import UsherError
from usher.usecases.post_to_slack import Waiting, post_to_slack


@batch_consumer
def handler(batch: Sequence[Waiting]) -> dict[int, UsherError]:
    s = services()
    return post_to_slack(batch, chat=s.chat, slot=s.slot, queue=s.queue, wall=s.clock.wall())
