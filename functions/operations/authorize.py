"""The authorizer of every token route: API Gateway asks it who a bearer token speaks for."""

from usher.bootstrap.authorizer import authorizer, services
from usher.domain.access import Caller
from usher.usecases.authorize import authorize


@authorizer
def handler(authorization: str) -> Caller:
    s = services()
    return authorize(authorization, secrets=s.secrets, logins=s.logins, clock=s.clock)
