"""Schedule tell-digest: new customers are told as a count, when policy asks for that."""

from usher.bootstrap.notices import scheduled
from usher.bootstrap.telling import services
from usher.usecases.tell_digest import tell_digest


@scheduled
def handler() -> int:
    s = services()
    return tell_digest(store=s.store, queue=s.queue, policy=s.policy, clock=s.clock)
