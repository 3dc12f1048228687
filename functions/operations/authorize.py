"""The authorizer of every token route: API Gateway asks it who a bearer token speaks for."""

from typing import Any

from usher.bootstrap.operations import services
from usher.usecases.authorize import role_of


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A simple response with the role. Raises the one text that makes API Gateway answer 401, not 403."""
    role = role_of((event.get("headers") or {}).get("authorization", ""), secrets=services().secrets)
    if role is None:
        raise Exception("Unauthorized")
    return {"isAuthorized": True, "context": {"role": role}}
