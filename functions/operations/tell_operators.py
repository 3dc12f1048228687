"""Rule tell-operators: what operators want to know of is queued for their channel."""

from usher.bootstrap.notices import rule_target
from usher.bootstrap.telling import services
from usher.domain.event import Envelope
from usher.usecases.tell_operators import tell_operators


@rule_target(Envelope)
def handler(event: Envelope) -> str:
    s = services()
    return tell_operators(
        event, signups=s.signups, failures=s.failures, queue=s.queue, public_url=s.public_url
    )
