"""The gateway of one machine: the catalog's HTTP routes in front of the handlers, as an ASGI application."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.catalog import Route
from infra.local.functions import Functions, FunctionThrottled, FunctionTimedOut
from infra.local.gateway_events import (
    BadAnswer,
    HttpRequest,
    HttpResponse,
    authorizer_event,
    to_event,
    to_response,
)
from infra.local.gateway_routes import Routes, RouteState
from infra.local.request_ids import request_id

logger = logging.getLogger("usher.local")

MAX_BODY = 10 * 1024 * 1024  # API Gateway's own limit; a handler may have a lower one
MAX_IN_FLIGHT = 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _BodyTooLarge(Exception):
    pass


class _Disconnected(Exception):
    pass


class _Refused(Exception):
    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


def problem(
    status: int, title: str, detail: str, request_id: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """What the gateway itself refuses, as RFC 9457 problem JSON."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "correlation_id": request_id,
    }
    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    pairs.append((b"content-type", b"application/problem+json"))
    return HttpResponse(status, json.dumps(body, separators=(",", ":")).encode(), pairs)


class Gateway:
    """An ASGI application that calls a function per request.

    Args:
        authorizer: `room/name` of the Lambda authorizer of routes with access `token`.
        threads: how many handlers run at a time.
        steady: seconds for the routes' token buckets; wall time, whatever the business clock does.

    Order of the checks: path, method, route's rate, size; then the authorizer, and the handler.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        functions: Functions,
        *,
        authorizer: str,
        threads: int = 16,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes = Routes(routes, steady)
        self._functions = functions
        self.authorizer = authorizer
        self._steady = steady
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gateway")
        self._in_flight = 0

    @property
    def routes(self) -> tuple[str, ...]:
        """`METHOD /path` of every route."""
        return self._routes.keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway speaks HTTP, not {scope['type']}")
        try:
            response = await self._answer(scope, receive)
        except _Disconnected:
            return
        headers = [*response.headers, (b"content-length", str(len(response.body)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def close(self) -> None:
        """Wait for the handlers that run, and let the threads go."""
        self._pool.shutdown()

    async def _answer(self, scope: Scope, receive: Receive) -> HttpResponse:
        id = request_id()
        path, methods, parameters = self._routes.find(scope["raw_path"])
        if not methods:
            return problem(404, "Not found", "There is nothing at this address", id)
        state = methods.get(scope["method"])
        if state is None:
            allowed = ", ".join(sorted(methods))
            detail = f"This address takes {allowed}"
            return problem(405, "Method not allowed", detail, id, {"allow": allowed})
        wait = state.bucket.take(self._steady())
        if wait or self._in_flight >= MAX_IN_FLIGHT:
            after = {"retry-after": str(max(1, math.ceil(wait)))}
            return problem(429, "Too many requests", "Send this again later, and less at a time", id, after)
        try:
            body = await _read(scope, receive)
        except _BodyTooLarge:
            close = {"connection": "close"}
            return problem(413, "Body too large", f"At most {MAX_BODY} bytes are taken", id, close)
        request = HttpRequest(
            id,
            scope["method"],
            path,
            scope["query_string"],
            scope["headers"],
            body,
            (scope.get("client") or ("127.0.0.1",))[0],
            f"HTTP/{scope['http_version']}",
            time.time(),
        )
        self._in_flight += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._respond, request, state, parameters)
        finally:
            self._in_flight -= 1

    def _respond(self, request: HttpRequest, state: RouteState, parameters: dict[str, str]) -> HttpResponse:
        """On a pool thread: authorize, call the handler, translate its answer."""
        try:
            authorized = None
            if state.route.access == "token":
                authorized = self._authorize(request, state, parameters)
            event = to_event(request, state.key, parameters, authorized)
            return to_response(self._functions.invoke(state.route.function, event))
        except _Refused as refused:
            return refused.response
        except (FunctionTimedOut, FunctionThrottled) as error:  # nothing is acknowledged
            logger.error("%s, request %s", error, request.id)
            return problem(503, "Try again", "This could not be done in time; send it again", request.id)
        except BadAnswer as error:
            logger.error("%s: %s", state.route.function, error)
        except Exception:  # a bug of the handler; its text may quote the request, so only the log has it
            logger.exception("%s failed, request %s", state.route.function, request.id)
        return problem(500, "Internal error", "This is our fault; it is logged under this id", request.id)

    def _authorize(
        self, request: HttpRequest, state: RouteState, parameters: dict[str, str]
    ) -> dict[str, Any]:
        """The authorizer's context, for the handler to judge by. Raises _Refused, as API Gateway would."""
        event = authorizer_event(request, state.route.method, state.route.path, parameters)
        answer = self._functions.invoke(self.authorizer, event)
        if not answer.get("isAuthorized"):
            raise _Refused(problem(403, "Forbidden", "The authorizer does not let this through", request.id))
        context: dict[str, Any] = answer.get("context") or {}
        return context


async def _read(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises _BodyTooLarge before it holds more than allowed."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > MAX_BODY:
            raise _BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise _BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks) if len(chunks) > 1 else chunk
