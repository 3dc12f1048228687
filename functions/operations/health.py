"""GET /healthz: this deployment takes requests."""

from usher.bootstrap.web import http
from usher.ports.http import Answer, Request


@http
def handler(request: Request) -> Answer:
    return Answer(200, {"status": "ok"})
