"""POST /webhooks/signup: a signed sign-up is stored, queued and acknowledged."""

from usher.bootstrap.intake import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.accept_signup import accept_signup


@http
def handler(request: Request) -> Answer:
    s = services()
    accepted = accept_signup(
        request,
        store=s.store,
        queue=s.queue,
        keeper=s.keeper,
        secrets=s.secrets,
        clock=s.clock,
        plans=s.plans,
        policy=s.policy,
    )
    status_url = f"{s.public_url}/v1/signups/{accepted['signup_id']}"
    return Answer(202, {**accepted, "status_url": status_url})
