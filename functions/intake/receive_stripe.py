"""POST /webhooks/stripe: a signed Stripe event is stored, queued in order and acknowledged."""

from usher.bootstrap.intake import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.accept_stripe_event import accept_stripe_event


@http
def handler(request: Request) -> Answer:
    s = services()
    received = accept_stripe_event(
        request,
        store=s.store,
        queue=s.queue,
        keeper=s.keeper,
        secrets=s.secrets,
        clock=s.clock,
        keep_days=s.policy.inbox_retention_days,
    )
    return Answer(200, received)
