"""The operator API: routes that say what they take, and the resolver that answers problems as RFC 9457 says.

A room's routes are a `Routes`; `resolver` puts them into one function (docs/contributing/adding_a_route.md).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import BaseModel

from usher.bootstrap.access import admitted
from usher.bootstrap.admission import pace
from usher.bootstrap.observe import logger, place_of
from usher.bootstrap.once import HEADER, Once
from usher.bootstrap.openapi import Operation, description
from usher.bootstrap.web import UNAVAILABLE, raw_body, refusal
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound, RetryableError, VendorRejected
from usher.domain.problems import Problem
from usher.ports.http import Answer
from usher.records.origin import originating
from usher.usecases.fields import Nothing, body_of, query_of

T = TypeVar("T", bound=BaseModel)
Outcome = Mapping[str, Any] | Answer

_NAME = re.compile(r"\{(\w+)\}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")  # whatever else stands for one in a path names nothing of ours
_SHOWN_BEFORE = "This was done before under the same Idempotency-Key; its answer is shown once only"
_ABSENT = Problem(404, "Not found", "There is nothing of this id")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request that may be served: who calls, the path's parameters, and what was sent, checked.

    `key` is its `Idempotency-Key`, the same when it is sent again; without one it is the `request_id`.
    """

    caller: Caller
    parameters: Mapping[str, str]
    input: T
    request_id: str
    key: str


class Routes:
    """The routes of one room. Paths are written as in infra/catalog.py, which says who may use them.

    A route says which model its query string or body is (`usher.usecases.fields.Nothing` for none). Its
    handler gets a `Call` and returns the JSON body, or an Answer where status or type differ. It may raise
    Problem, NotFound (404), Conflict (409), VendorRejected (502) and RetryableError (503).
    """

    def __init__(self) -> None:
        self.router = Router()  # type: ignore[no-untyped-call]  # powertools left it untyped
        self.operations: dict[str, Operation] = {}

    def get(
        self, path: str, *, query: type[T], answers: type[BaseModel] | None = None
    ) -> Callable[[Callable[[Call[T]], Outcome]], Callable[[Call[T]], Outcome]]:
        """A route that reads. `query`: its query string; `answers`: its body, for the description."""

        def take(event: Mapping[str, Any]) -> T:
            return query_of(event.get("queryStringParameters") or {}, query)

        return self._add("GET", path, take, Operation(query, answers, 200))

    def post(
        self,
        path: str,
        *,
        body: type[T],
        answers: type[BaseModel] | None = None,
        status: int = 200,
        shown_once: bool = False,
    ) -> Callable[[Callable[[Call[T]], Outcome]], Callable[[Call[T]], Outcome]]:
        """A route that does something, once per `Idempotency-Key`. `status`: of a body without an Answer.

        `shown_once`: the answer holds what is kept nowhere, so that a repeat is told no more than that.
        """

        def take(event: Mapping[str, Any]) -> T:
            kind = event["headers"].get("content-type", "")
            return body_of(raw_body(event), body, content_type=kind)

        return self._add("POST", path, take, Operation(body, answers, status), shown_once=shown_once)

    def _add(
        self,
        method: str,
        path: str,
        take: Callable[[Mapping[str, Any]], T],
        operation: Operation,
        *,
        shown_once: bool = False,
    ) -> Callable[[Callable[[Call[T]], Outcome]], Callable[[Call[T]], Outcome]]:
        key = f"{method} {path}"
        self.operations[key] = operation

        def decorate(run: Callable[[Call[T]], Outcome]) -> Callable[[Call[T]], Outcome]:
            once = Once(key)

            def serve(**parameters: str) -> Response[str]:
                event = self.router.current_event.raw_event
                caller = admitted(key, event)  # by the route that runs, whatever the gateway took it for
                if not all(map(_ID.fullmatch, parameters.values())):
                    raise _ABSENT
                event = {**event, "headers": _lower(event)}
                request_id = event["requestContext"]["requestId"]
                key_sent = event["headers"].get(HEADER) or request_id
                call = Call(caller, parameters, take(event), request_id, key_sent)
                if account_id := _account_of(call):
                    pace().admit(account_id)

                def do() -> Answer:
                    with originating(request_id=call.request_id):
                        outcome = run(call)
                    return outcome if isinstance(outcome, Answer) else Answer(operation.status, outcome)

                if method == "GET":
                    return _response(do())
                shown: list[Answer] = []

                def show() -> Answer:
                    shown.append(do())
                    return Answer(operation.status, {})  # that it was done is kept, and no more

                work = show if shown_once else do
                kept = once.do(work, call, event["headers"], self.router.lambda_context)
                if shown_once and not shown:
                    raise Conflict(_SHOWN_BEFORE)
                return _response(shown[0] if shown else kept)

            self.router.route(_NAME.sub(r"<\1>", path), method)(serve)
            return run

        return decorate


def resolver(*rooms: Routes) -> APIGatewayHttpResolver:
    """The routes of these rooms, and their description, as one function: its `resolve` is the handler."""
    app = APIGatewayHttpResolver(serializer=_dumps)
    rooms = (*rooms, _describing(rooms))

    @app.exception_handler(Problem)  # type: ignore[untyped-decorator]  # powertools types it as Callable[..., Any]
    def answer_problem(problem: Problem) -> Response[str]:
        logger.info("request refused", function="api", status=problem.status, correlation_id=_request_id())
        return _refused(problem)

    @app.exception_handler(RetryableError)  # type: ignore[untyped-decorator]  # as above
    def answer_unavailable(error: RetryableError) -> Response[str]:
        logger.error(
            "request failed", function="api", error=type(error).__name__, correlation_id=_request_id()
        )
        return _refused(UNAVAILABLE)

    @app.exception_handler(VendorRejected)  # type: ignore[untyped-decorator]  # as above
    def answer_refusal(error: VendorRejected) -> Response[str]:
        place, request = place_of(error), _request_id()
        logger.error("request refused by a vendor", function="api", place=place, correlation_id=request)
        return _refused(Problem(502, "Refused by a vendor", f"A vendor refuses this: {error}"))

    @app.exception_handler(NotFound)  # type: ignore[untyped-decorator]  # as above
    def answer_absent(error: NotFound) -> Response[str]:
        return _refused(_ABSENT)

    @app.exception_handler(Conflict)  # type: ignore[untyped-decorator]  # as above
    def answer_conflict(error: Conflict) -> Response[str]:
        return _refused(Problem(409, "Conflict", str(error)))

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]  # as above
    def tell_bug(error: Exception) -> Response[str]:
        """A bug passes through, told by its place: powertools' own word of it would quote the request."""
        logger.error("bug", function="api", error=type(error).__name__, place=place_of(error))
        raise error

    @app.not_found
    def answer_not_found(error: Exception) -> Response[str]:
        return _refused(Problem(404, "Not found", "There is nothing at this address"))

    def _request_id() -> str:
        return str(app.current_event.request_context.request_id)

    def _refused(problem: Problem) -> Response[str]:
        answer = refusal(problem, _request_id())
        return Response(
            status_code=problem.status,
            content_type=answer["headers"].pop("content-type"),
            body=answer["body"],
            headers=answer["headers"],
        )

    for room in rooms:
        app.include_router(room.router)
    return app


def _account_of(call: Call[Any]) -> str | None:
    """Whom the request is about: by the path, else by the field `account_id` of what was sent."""
    id = call.parameters.get("id", "")
    return id if id.startswith("acc_") else getattr(call.input, "account_id", None)


def _describing(rooms: tuple[Routes, ...]) -> Routes:
    """The route that tells what all routes take."""
    own = Routes()

    @own.get("/openapi.json", query=Nothing)
    def describe(call: Call[Nothing]) -> Outcome:
        operations = {key: each for room in (*rooms, own) for key, each in room.operations.items()}
        return Answer(200, description(operations), {"cache-control": "public, max-age=300"})

    return own


def _response(answer: Answer) -> Response[str]:
    body = answer.body if isinstance(answer.body, str) else _dumps(answer.body)
    headers = {"cache-control": "no-store", **answer.headers}
    return Response(status_code=answer.status, content_type=answer.content_type, body=body, headers=headers)


def _lower(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
