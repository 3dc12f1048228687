"""POST /v1/usage: a batch of usage records is checked, buffered and acknowledged."""

from usher.bootstrap.usage import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.accept_usage import accept_usage


@http
def handler(request: Request) -> Answer:
    s = services()
    accepted = accept_usage(
        request,
        book=s.book,
        subscribers=s.subscribers,
        queue=s.queue,
        recent=s.recent,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    )
    return Answer(202, accepted)
