"""GET and POST /v1/confirmations/{token}: the page of a confirmation link, and its button."""

from usher.bootstrap.onboarding import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.take_confirmation import take_confirmation


@http
def handler(request: Request) -> Answer:
    s = services()
    press = request.method == "POST"
    return take_confirmation(request.parameters["token"], press=press, asker=s.asker, secrets=s.secrets)
