"""Requests to the API as API Gateway hands them over once the authorizer has named the caller."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.operations.api import handler


class Context(LambdaContext):
    """What powertools asks of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # powertools has it static
        return 10_000


def api_event(
    method: str,
    path: str,
    *,
    role: str | None = "admin",
    subject: str = "ada",
    body: bytes | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A request by a caller of this role; by nobody we know when it is None."""
    sent = {"content-type": "application/json"} if body is not None else {}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**sent, **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "req-1",
            "stage": "$default",
            "authorizer": {"lambda": {"role": role or "", "subject": subject if role is not None else ""}},
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = body.decode()
    return event


def call(method: str, path: str, json_body: Any = None, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of a request to the operator API; options are those of `api_event`."""
    if json_body is not None:
        options["body"] = json.dumps(json_body).encode()
    answer = handler(api_event(method, path, **options), Context())
    return answer["statusCode"], json.loads(answer["body"])
