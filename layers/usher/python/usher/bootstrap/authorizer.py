"""The wrapper of the Lambda authorizer, and its services: it names callers and refuses nobody (ADR 0030)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from usher.adapters.cognito_logins import CognitoLogins
from usher.bootstrap.access import OUTAGE
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import per_platform
from usher.domain.access import Caller
from usher.domain.errors import RetryableError
from usher.ports.clock import Clock
from usher.ports.logins import Logins
from usher.ports.platform import Platform
from usher.ports.secrets import Secrets
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class AuthorizerServices:
    """What naming a caller needs; `logins` is None where no user pool is set."""

    secrets: Secrets
    logins: Logins | None
    clock: Clock


@per_platform
def services(platform: Platform) -> AuthorizerServices:
    here = settings()
    clients = frozenset(client.strip() for client in here.cognito_client_ids.split(",") if client.strip())
    logins = CognitoLogins(here.cognito_issuer, clients) if here.cognito_issuer else None
    return AuthorizerServices(platform.secrets, logins, platform.clock)


def authorizer(run: Callable[[str], Caller]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Turn `Authorization header -> caller` into a Lambda authorizer (payload 2.0, simple response).

    An outage is handed on as such, so that the route answers 503 and not 401.
    """

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        try:
            caller = run(headers.get("authorization", ""))
        except RetryableError as error:
            logger.error("caller not named", function="authorize", error=type(error).__name__)
            return _answer(subject="", role="", **{OUTAGE: type(error).__name__})
        return _answer(subject=caller.subject, role=caller.role)

    return handler


def _answer(**context: str) -> dict[str, Any]:
    return {"isAuthorized": True, "context": context}
