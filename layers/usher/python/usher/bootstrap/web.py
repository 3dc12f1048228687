"""The wrapper of HTTP functions: an API Gateway v2 event in, an answer or problem JSON out (RFC 9457)."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from usher.bootstrap.access import admitted
from usher.bootstrap.observe import logger
from usher.domain.access import Caller
from usher.domain.errors import RetryableError
from usher.domain.problems import Problem, malformed
from usher.ports.http import Answer, Request

UNAVAILABLE = Problem(
    503,
    "Try again",
    "Something we need did not answer; send the same request again in a moment",
    headers={"retry-after": "1"},
)

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def http(run: Callable[[Request], Answer]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Turn `request -> answer` into a Lambda handler of one route, which admits whom the catalog says.

    A Problem is answered as it says; a RetryableError (the store or a queue is down) as 503 with
    Retry-After. Any other exception is a bug: it passes through, and API Gateway answers 500.
    """
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        request_id = str(event["requestContext"]["requestId"])
        try:
            answer = run(_request(event, request_id, admitted(event["routeKey"], event)))
        except Problem as problem:
            logger.info("request refused", function=name, status=problem.status, correlation_id=request_id)
            return refusal(problem, request_id)
        except RetryableError as error:
            logger.error(
                "request failed", function=name, error=type(error).__name__, correlation_id=request_id
            )
            return refusal(UNAVAILABLE, request_id)
        body = answer.body if isinstance(answer.body, str) else _dumps(answer.body)
        return {
            "statusCode": answer.status,
            "headers": {"content-type": answer.content_type, **answer.headers},
            "body": body,
        }

    return handler


def _request(event: dict[str, Any], request_id: str, caller: Caller) -> Request:
    context = event["requestContext"]
    return Request(
        method=context["http"]["method"],
        path=event["rawPath"],
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=raw_body(event),
        parameters=event.get("pathParameters") or {},
        request_id=request_id,
        role=caller.role,
        subject=caller.subject,
    )


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The body as it was sent, byte for byte. Raises Problem 400."""
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(text)
    try:
        return str(text).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair cannot have been bytes
        raise malformed("The body is not text") from error


def refusal(problem: Problem, request_id: str) -> dict[str, Any]:
    """The handler answer that says what was wrong."""
    body: dict[str, Any] = {
        **problem.more,
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "correlation_id": request_id,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "message": error.message} for error in problem.errors]
    return {
        "statusCode": problem.status,
        "headers": {"content-type": "application/problem+json", **problem.headers},
        "body": _dumps(body),
    }
