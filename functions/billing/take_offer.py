"""GET and POST /v1/offers/{token}: the page of a beta customer's special offer, and its buttons."""

from usher.bootstrap.checkouts import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.take_offer import Offering, take_offer


@http
def handler(request: Request) -> Answer:
    s = services()
    return take_offer(
        request.parameters["token"],
        pressed=request.body if request.method == "POST" else None,
        key=request.request_id,
        offering=Offering(s.selling, s.unbilled, s.policy, s.secrets),
    )
