"""HTTP in, API Gateway v2 events to handlers, HTTP out; and what the gateway refuses by itself."""

import asyncio
import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from infra.catalog import Function, Route
from infra.local.functions import Functions, FunctionThrottled, FunctionTimedOut, Handler
from infra.local.gateway import MAX_BODY, Gateway
from infra.local.gateway_routes import Bucket
from infra.local.gateway_server import GatewayServer

ROUTES = (
    Route("POST", "/hook", "room/echo", "signed", rate_per_second=1000, burst=1000),
    Route("GET", "/v1/things/{id}", "room/echo", "token", roles=("viewer",), rate_per_second=9, burst=99),
    Route("GET", "/v1/things/{id}/parts/{part}", "room/echo", "public"),
    Route("GET", "/v1/things/newest", "room/newest", "public"),
    Route("GET", "/rare", "room/echo", "public", rate_per_second=1, burst=2),
    Route("GET", "/broken", "room/broken", "public"),
    Route("GET", "/late", "room/late", "public"),
    Route("GET", "/shaped", "room/shaped", "public"),
)


class Api:
    """A gateway on a loopback port; `events` is what handlers got, `shape` what one of them answers."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.shape: Any = None
        self.now = 1000.0
        handlers: dict[str, Handler] = {
            "room/echo": self._echo,
            "room/newest": lambda event, context: {"newest": True},
            "room/broken": lambda event, context: event["secret"],
            "room/late": self._late,
            "room/shaped": lambda event, context: self.shape,
            "room/authorize": self._authorize,
        }
        rooms = [path.split("/") for path in handlers]
        entries = [Function(room, name, timeout_seconds=30) for room, name in rooms]
        functions = Functions(entries, handlers=handlers)
        self.gateway = Gateway(
            ROUTES, functions, authorizer="room/authorize", threads=4, steady=lambda: self.now
        )
        self.server = GatewayServer(self.gateway)
        self.server.start()

    def close(self) -> None:
        self.server.stop()
        self.gateway.close()

    def _late(self, event: dict[str, Any], context: Any) -> Any:
        raise self.shape

    def _echo(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.events.append(event)
        return {"statusCode": 200, "body": "{}"}

    def _authorize(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.asked.append(event)
        token = event["headers"].get("authorization", "").removeprefix("Bearer ")
        if token == "broken":
            raise ZeroDivisionError
        return {"isAuthorized": token != "closed", "context": {"role": token}}

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            pairs = {name.lower(): value for name, value in response.getheaders()}
            return response.status, pairs, response.read()
        finally:
            connection.close()

    def raw(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes as they are and return the response."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
            connection.sendall(data)
            response = http.client.HTTPResponse(connection)
            response.begin()
            pairs = {name.lower(): value for name, value in response.getheaders()}
            return response.status, pairs, response.read()


@pytest.fixture(scope="module")
def served() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def api(served: Api) -> Api:
    """The module's gateway with its memory cleared and its buckets full."""
    served.events.clear()
    served.asked.clear()
    served.now += 1000
    return served


def problem(answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    parsed: dict[str, Any] = json.loads(body)
    assert parsed["status"] == status
    assert {"type", "title", "detail", "correlation_id"} <= parsed.keys()
    return parsed


def test_a_handler_gets_an_api_gateway_v2_event(api: Api) -> None:
    body = '{"name": "Ada ✓"}'.encode()
    api.request(
        "POST",
        "/hook?a=1&a=2&b=x%20y",
        body,
        Content_Type="application/json; charset=utf-8",
        Cookie="k=v; l=w",
    )
    event = APIGatewayProxyEventV2(api.events[0])
    assert (event.version, event.route_key, event.raw_path) == ("2.0", "POST /hook", "/hook")
    assert event.raw_query_string == "a=1&a=2&b=x%20y"
    assert event.query_string_parameters == {"a": "1,2", "b": "x y"}
    assert event.cookies == ["k=v", "l=w"]
    assert event.headers["content-type"] == "application/json; charset=utf-8"
    assert "cookie" not in event.headers
    assert (event.is_base64_encoded, event.json_body) == (False, {"name": "Ada ✓"})
    context = event.request_context
    assert (context.http.method, context.http.path, context.http.protocol) == ("POST", "/hook", "HTTP/1.1")
    assert (context.http.source_ip, context.stage, context.account_id) == (
        "127.0.0.1",
        "$default",
        "000000000000",
    )
    assert len(context.request_id) == 36 and context.time_epoch > 1_700_000_000_000


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\xff\xfe", "application/json"), (b"a=b", "application/x-www-form-urlencoded"), (b"{}", "")],
)
def test_a_body_that_is_not_text_arrives_byte_for_byte_in_base64(api: Api, body: bytes, kind: str) -> None:
    api.request("POST", "/hook", body, Content_Type=kind)
    [event] = api.events
    assert event["isBase64Encoded"] and base64.b64decode(event["body"]) == body


def test_without_a_body_the_event_has_none(api: Api) -> None:
    api.request("POST", "/hook")
    assert "body" not in api.events[0] and "queryStringParameters" not in api.events[0]


def test_path_parameters_are_decoded_and_static_paths_win(api: Api) -> None:
    api.request("GET", "/v1/things/a%2Fb%20c/parts/7")
    assert api.events[0]["pathParameters"] == {"id": "a/b c", "part": "7"}
    status, headers, body = api.request("GET", "/v1/things/newest")
    assert (status, headers["content-type"], json.loads(body)) == (200, "application/json", {"newest": True})


def test_a_token_route_asks_the_authorizer_and_hands_its_context_on(api: Api) -> None:
    assert api.request("GET", "/v1/things/7", Authorization="Bearer viewer")[0] == 200
    assert api.events[0]["requestContext"]["authorizer"] == {"lambda": {"role": "viewer"}}
    [asked] = api.asked
    assert (asked["type"], asked["version"], asked["routeKey"]) == ("REQUEST", "2.0", "GET /v1/things/{id}")
    assert asked["routeArn"].endswith("GET/v1/things/{id}") and "body" not in asked


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}])
def test_whom_the_authorizer_does_not_know_the_handler_is_asked_about(
    api: Api, headers: dict[str, str]
) -> None:
    """Whether a role may use a route is one piece of code, and it is not the gateway's."""
    assert api.request("GET", "/v1/things/7", **headers)[0] == 200
    [event] = api.events
    assert event["requestContext"]["authorizer"]["lambda"]["role"] == ("nobody" if headers else "")


@pytest.mark.parametrize(("token", "status"), [("closed", 403), ("broken", 500)])
def test_an_authorizer_that_refuses_or_fails_keeps_the_handler_out(api: Api, token: str, status: int) -> None:
    answer = api.request("GET", "/v1/things/7", Authorization=f"Bearer {token}")
    assert (problem(answer)["status"], api.events) == (status, [])


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_allow(api: Api) -> None:
    assert problem(api.request("GET", "/nowhere"))["status"] == 404
    assert problem(api.request("GET", "/v1/things/"))["status"] == 404
    answer = api.request("DELETE", "/hook")
    assert (problem(answer)["status"], answer[1]["allow"]) == (405, "POST")


def test_above_a_routes_rate_requests_are_told_when_to_come_back(api: Api) -> None:
    assert [api.request("GET", "/rare")[0] for _ in range(2)] == [200, 200]
    answer = api.request("GET", "/rare")
    assert (problem(answer)["status"], answer[1]["retry-after"]) == (429, "1")
    assert api.request("POST", "/hook")[0] == 200  # other routes have buckets of their own
    api.now += 1
    assert api.request("GET", "/rare")[0] == 200


def test_a_bucket_fills_up_to_its_burst_and_no_further() -> None:
    bucket = Bucket(rate=10, burst=2, level=2)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, pytest.approx(0.1)]
    assert bucket.take(100.1) == 0.0
    assert bucket.take(100.1) > 0


def test_a_bug_in_a_handler_is_a_500_that_tells_nothing(api: Api) -> None:
    answer = api.request("GET", "/broken")
    assert problem(answer)["status"] == 500
    assert b"secret" not in answer[2]


@pytest.mark.parametrize("error", [FunctionTimedOut("room/late"), FunctionThrottled("room/late")])
def test_what_was_not_done_in_time_is_not_acknowledged(api: Api, error: Exception) -> None:
    api.shape = error
    assert problem(api.request("GET", "/late"))["status"] == 503


def test_an_answer_is_translated_with_cookies_headers_and_base64(api: Api) -> None:
    api.shape = {
        "statusCode": "201",
        "headers": {"X-Kind": "image", "Content-Type": "image/png"},
        "cookies": ["a=1; Secure"],
        "body": base64.b64encode(b"\x89PNG").decode(),
        "isBase64Encoded": True,
    }
    status, headers, body = api.request("GET", "/shaped")
    assert (status, body) == (201, b"\x89PNG")
    assert (headers["x-kind"], headers["content-type"], headers["set-cookie"]) == (
        "image",
        "image/png",
        "a=1; Secure",
    )


@pytest.mark.parametrize(
    "shape",
    [
        {"statusCode": "soon"},
        {"statusCode": 99},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "body": "a", "isBase64Encoded": True},
    ],
)
def test_an_answer_without_sense_is_a_500(api: Api, shape: Any) -> None:
    api.shape = shape
    assert problem(api.request("GET", "/shaped"))["status"] == 500


def test_a_body_above_the_gateways_limit_is_413(api: Api) -> None:
    head = f"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: {MAX_BODY + 1}\r\n\r\n".encode()
    assert problem(api.raw(head + b"x"))["status"] == 413
    assert api.events == []


def test_a_chunked_body_above_the_limit_is_413_before_it_is_held() -> None:
    gateway = Gateway(ROUTES, Functions(()), authorizer="room/authorize", threads=1)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 1024 * 1024, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/hook",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    asyncio.run(gateway(scope, receive, send))
    gateway.close()
    assert sent[0]["status"] == 413


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /%00%ff%zz/../..//etc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /v1/things/%ed%a0%80/parts/%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /hook?%ff=%00&&&=;\xc3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"GET /hook HTTP/1.1\r\nhost: x\r\nx-\xff: \xfe\r\nconnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"GET /v1/things/1 HTTP/1.1\r\nhost: x\r\nauthorization: \xff\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http://other/hook HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ],
)
def test_any_bytes_are_a_refusal_and_never_a_server_error(api: Api, data: bytes) -> None:
    answer = api.raw(data)
    assert answer[0] == 200 or 400 <= problem(answer)["status"] < 500
    assert api.request("POST", "/hook")[0] == 200


def test_stopping_lets_the_request_in_flight_be_answered() -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(event: Any, context: Any) -> dict[str, Any]:
        entered.set()
        leave.wait(10)
        return {"statusCode": 204}

    functions = Functions([Function("room", "echo", timeout_seconds=30)], handlers={"room/echo": hold})
    gateway = Gateway(ROUTES[:1], functions, authorizer="room/authorize", threads=1)
    server = GatewayServer(gateway)
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/hook")
    entered.wait(10)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    leave.set()
    assert connection.getresponse().status == 204
    connection.close()
    stopping.join(10)
    assert not stopping.is_alive()
    gateway.close()


def test_a_taken_port_is_told_at_once() -> None:
    gateway = Gateway((), Functions(()), authorizer="room/authorize", threads=1)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        GatewayServer(gateway, port=taken.getsockname()[1])
    gateway.close()
