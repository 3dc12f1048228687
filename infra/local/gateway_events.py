"""HTTP requests as API Gateway v2 events (payload format 2.0), and handlers' answers as HTTP responses."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from infra.local import arns

HeaderList = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request whose body has arrived. `path` is decoded; header names are lower case, as ASGI has them."""

    id: str
    method: str
    path: str
    query: bytes
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes
    client: str
    protocol: str
    time: float  # epoch seconds, wall time


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: HeaderList = field(default_factory=list)


class BadAnswer(Exception):
    """A handler answered what API Gateway cannot turn into a response."""


def to_event(
    request: HttpRequest,
    route_key: str,
    parameters: Mapping[str, str],
    authorizer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The event of a handler. Of a repeated header or query parameter the values are joined by a comma."""
    headers, cookies = _headers(request.headers)
    raw_query = request.query.decode("latin-1")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": raw_query,
        "headers": headers,
        "requestContext": _context(request, route_key, headers),
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if raw_query:
        event["queryStringParameters"] = _joined(parse_qsl(raw_query, keep_blank_values=True))
    if parameters:
        event["pathParameters"] = dict(parameters)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = {"lambda": dict(authorizer)}
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    return event


def authorizer_event(
    request: HttpRequest, method: str, path: str, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """The event of a Lambda authorizer (payload format 2.0): the request without its body."""
    event = to_event(request, f"{method} {path}", parameters)
    for name in ("body", "isBase64Encoded"):
        event.pop(name, None)
    return event | {"type": "REQUEST", "routeArn": arns.route(method, path), "identitySource": None}


def to_response(answer: Any) -> HttpResponse:
    """The response a handler asked for; an answer without `statusCode` is the JSON body of a 200.

    Raises BadAnswer.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return HttpResponse(200, json.dumps(answer).encode(), [(b"content-type", b"application/json")])
    try:
        status = int(answer["statusCode"])
        body = answer.get("body") or ""
        raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        headers = [_header(name, value) for name, value in (answer.get("headers") or {}).items()]
        headers += [_header("set-cookie", cookie) for cookie in answer.get("cookies") or ()]
    except (TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise BadAnswer(f"a handler's answer is malformed: {type(error).__name__}") from error
    if not 200 <= status <= 599:
        raise BadAnswer(f"a handler's answer has the status {status}")
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return HttpResponse(status, raw, headers)


def _header(name: str, value: Any) -> tuple[bytes, bytes]:
    text = str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError("a header value cannot hold a line break")
    return name.lower().encode("ascii"), text.encode("latin-1")


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";")]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers, cookies


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _context(request: HttpRequest, route_key: str, headers: Mapping[str, str]) -> dict[str, Any]:
    domain = headers.get("host", "localhost")
    return {
        "accountId": arns.ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.client,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request.id,
        "routeKey": route_key,
        "stage": "$default",
        "time": datetime.fromtimestamp(request.time, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(request.time * 1000),
    }


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as text, or in base64 when its type is not textual or its bytes are not UTF-8."""
    kind = content_type.partition(";")[0].strip().lower()
    textual = kind.startswith("text/") or kind.endswith(("/json", "+json", "/xml", "+xml", "/javascript"))
    if textual:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # a handler that checks a signature needs the very bytes
    return base64.b64encode(body).decode(), True
