"""GET and POST /v1/user-invitations/{token}: the page of an invited person's link, and its button."""

from usher.bootstrap.accounts import services
from usher.bootstrap.web import http
from usher.ports.http import Answer, Request
from usher.usecases.take_user_invitation import take_user_invitation


@http
def handler(request: Request) -> Answer:
    s = services()
    return take_user_invitation(
        request.parameters["token"],
        press=request.method == "POST",
        accounts=s.accounts,
        users=s.users,
        log=s.log,
        secrets=s.secrets,
        policy=s.policy,
        clock=s.clock,
    )
