"""Consumer of the queue `signups`: each sign-up starts its workflow once."""

from usher.bootstrap.consumers import queue_consumer
from usher.bootstrap.dispatch import services
from usher.usecases.dispatch_signup import DispatchSignup, dispatch_signup


@queue_consumer(DispatchSignup, key="event_id")
def handler(command: DispatchSignup) -> str:
    s = services()
    return dispatch_signup(command, workflows=s.workflows, inbox=s.inbox, clock=s.clock)
