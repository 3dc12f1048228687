"""The wrapper of HTTP functions: an API Gateway v2 event in, an answer or problem JSON out (RFC 9457)."""

import base64
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from usher.bootstrap.observe import logger
from usher.domain.errors import RetryableError
from usher.domain.problems import Problem, malformed
from usher.ports.http import Answer, Request

UNAVAILABLE = Problem(
    503, "Try again", "Something we need did not answer; send the same request again in a moment"
)

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def http(run: Callable[[Request], Answer]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Turn `request -> answer` into a Lambda handler.

    A Problem is answered as it says; a RetryableError (the store or a queue is down) as 503 with
    Retry-After. Any other exception is a bug: it passes through, and API Gateway answers 500.
    """
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        request_id = str(event["requestContext"]["requestId"])
        try:
            answer = run(_request(event, request_id))
        except Problem as problem:
            logger.info("request refused", function=name, status=problem.status, correlation_id=request_id)
            return refusal(problem, request_id)
        except RetryableError as error:
            logger.error(
                "request failed", function=name, error=type(error).__name__, correlation_id=request_id
            )
            return refusal(UNAVAILABLE, request_id, {"retry-after": "1"})
        body = answer.body if isinstance(answer.body, str) else _dumps(answer.body)
        return {
            "statusCode": answer.status,
            "headers": {"content-type": answer.content_type, **answer.headers},
            "body": body,
        }

    return handler


def _request(event: dict[str, Any], request_id: str) -> Request:
    context = event["requestContext"]
    return Request(
        method=context["http"]["method"],
        path=event["rawPath"],
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_body(event),
        parameters=event.get("pathParameters") or {},
        request_id=request_id,
        role=((context.get("authorizer") or {}).get("lambda") or {}).get("role"),
    )


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(text)
    try:
        return str(text).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair cannot have been bytes
        raise malformed("The body is not text") from error


def refusal(problem: Problem, request_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The handler answer that says what was wrong."""
    body: dict[str, Any] = {
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
        "headers": {"content-type": "application/problem+json", **(headers or {})},
        "body": _dumps(body),
    }
