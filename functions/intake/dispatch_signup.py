"""Consumer of the queue `signups`: each sign-up starts its workflow once, as fast as the vendors allow."""

from collections.abc import Mapping, Sequence

from usher.bootstrap.consumers import batch_consumer
from usher.bootstrap.dispatch import services
from usher.usecases.dispatch_signup import DispatchSignup, dispatch_signups


@batch_consumer(DispatchSignup)
def handler(commands: Sequence[DispatchSignup]) -> Mapping[int, Exception]:
    s = services()
    return dispatch_signups(
        commands, buckets=s.buckets, queue=s.queue, workflows=s.workflows, inbox=s.inbox, clock=s.clock
    )
