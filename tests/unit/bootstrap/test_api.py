"""The operator API's resolver: who is admitted, and how problems, outages and odd ids are answered."""

import io
import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from tests.fakes.api import Context, api_event, call
from tests.fakes.world import World
from usher.bootstrap import policies
from usher.bootstrap.api import Call, Routes, resolver
from usher.domain.errors import Conflict, NotFound, StaleWrite, VendorRejected
from usher.domain.problems import Problem
from usher.ports.http import Answer
from usher.usecases.fields import Body, Nothing, Paged, Text

CANARY = "canary@example.com"


def test_a_sign_up_is_told(world: World) -> None:
    signup = world.given_signup()
    status, body = call("GET", f"/v1/signups/{signup.signup_id}", role="viewer")
    assert (status, body["signup_id"]) == (200, signup.signup_id)


@pytest.mark.parametrize("id", ["su_" + "a" * 26, "a" * 3000, "su_..", "SU_" + "A" * 26])
def test_an_id_that_is_nobody_s_is_404(world: World, id: str) -> None:
    status, problem = call("GET", f"/v1/signups/{id}")
    assert (status, problem["title"]) == (404, "Not found")


def test_a_store_that_is_down_is_503_and_says_when_to_ask_again(world: World) -> None:
    world.store.is_down = True
    status, problem = call("GET", "/v1/signups/su_" + "a" * 26)
    assert (status, problem["correlation_id"]) == (503, "req-1")


# -- a room of its own --------------------------------------------------------------------------------------


class Gift(Body):
    to: Text
    amount: Annotated[int, Field(ge=1)]


class Room:
    """Routes of a test; `given` is what the handler did, `fails` what it raises instead."""

    def __init__(self) -> None:
        self.given: list[Call[Gift]] = []
        self.fails: Exception | None = None
        routes = Routes()
        routes.get("/v1/gifts", query=Paged)(lambda call: {"limit": call.input.limit})
        routes.get("/v1/hidden", query=Nothing)(lambda call: {})
        routes.post("/v1/gifts/{id}", body=Gift, status=201)(self._give)
        self.resolve = resolver(routes).resolve
        policies.install(
            {
                "routes": {
                    "GET /v1/gifts": {"access": "public", "roles": [], "why": ""},
                    "POST /v1/gifts/{id}": {"access": "token", "roles": ["support", "admin"], "why": ""},
                }
            }
        )

    def _give(self, call: Call[Gift]) -> dict[str, Any] | Answer:
        if self.fails:
            raise self.fails
        self.given.append(call)
        return {"given": len(self.given), "by": call.caller.subject}

    def ask(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
        answer = self.resolve(api_event(method, path, **options), Context())
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])

    def give(self, body: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.ask("POST", "/v1/gifts/7", body=sent, **options)
        return status, answer


@pytest.fixture
def room(world: World) -> Room:
    return Room()


GOOD = {"to": "Bo", "amount": 3}


def test_a_handler_gets_the_caller_the_parameters_and_the_checked_body(room: Room) -> None:
    assert room.give(GOOD, role="support", subject="sue") == (201, {"given": 1, "by": "sue"})
    [call] = room.given
    assert (call.input, call.parameters, call.request_id) == (Gift(to="Bo", amount=3), {"id": "7"}, "req-1")


def test_without_a_known_token_it_is_401_and_the_answer_says_how(room: Room) -> None:
    status, headers, problem = room.ask("POST", "/v1/gifts/7", body=b"nonsense", role=None)
    assert (status, problem["status"]) == (401, 401)
    assert headers["www-authenticate"] == "Bearer"
    assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("role", ["", "viewer", "product", "root"])
def test_a_role_that_may_not_is_403_before_its_body_is_looked_at(room: Room, role: str) -> None:
    assert room.give(b"nonsense", role=role)[0] == 403
    assert room.given == []


def test_a_route_the_catalog_does_not_list_is_nobody_s(room: Room) -> None:
    assert room.ask("GET", "/v1/hidden", role="admin")[0] == 403
    assert room.ask("GET", "/v1/hidden", role=None)[0] == 401


def test_a_public_route_asks_nobody(room: Room) -> None:
    assert room.ask("GET", "/v1/gifts", role=None)[0] == 200


def test_the_role_is_that_of_the_route_that_runs_whatever_the_gateway_matched(room: Room) -> None:
    """`/v1/gifts%2F7` matches another route in API Gateway than its decoded path does here."""
    event = api_event("POST", "/v1/gifts/7", role="viewer", body=b"{}") | {"routeKey": "GET /v1/gifts"}
    assert room.resolve(event, Context())["statusCode"] == 403


def test_an_authorizer_that_could_not_find_out_is_503_and_not_401(room: Room) -> None:
    event = api_event("POST", "/v1/gifts/7", role=None, body=b"{}")
    event["requestContext"]["authorizer"]["lambda"]["outage"] = "VendorUnavailable"
    answer = room.resolve(event, Context())
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")


@pytest.mark.parametrize("id", ["x" * 129, "a b", "%00", "<script>", "é"])
def test_what_cannot_be_an_id_is_404_and_reaches_no_handler(room: Room, id: str) -> None:
    assert room.ask("POST", f"/v1/gifts/{id}", body=json.dumps(GOOD).encode())[0] == 404
    assert room.given == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"to", "amount"}),
        ({"to": "Bo", "amount": "3"}, {"amount"}),
        ({"to": "\x07", "amount": 0, "extra": 1}, {"to", "amount", "extra"}),
        ([], {"body"}),
    ],
)
def test_every_bad_field_is_named(room: Room, body: Any, fields: set[str]) -> None:
    status, problem = room.give(body)
    assert (status, {error["field"] for error in problem["errors"]}) == (400, fields)
    assert room.given == []


@pytest.mark.parametrize(
    "body", [b"{", b"\xc3\xa9", b'{"to": NaN}', b'{"a":1,"a":2}', b"[" * 40, b'"\\ud800"']
)
def test_what_is_no_json_is_400(room: Room, body: bytes) -> None:
    assert room.give(body)[0] == 400


def test_a_body_of_another_kind_is_415_and_one_too_large_413(room: Room) -> None:
    assert room.give(b"a=b", headers={"content-type": "text/plain"})[0] == 415
    assert room.give(b" " * 300_000)[0] == 413


@pytest.mark.parametrize(("limit", "taken"), [("7", 7), ("100", 100), ("101", 100), ("1000000", 100)])
def test_a_page_is_never_larger_than_the_cap(room: Room, limit: str, taken: int) -> None:
    assert room.ask("GET", "/v1/gifts", query={"limit": limit})[2] == {"limit": taken}


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"limit": "9" * 5000}, {"colour": "red"}])
def test_a_bad_query_parameter_is_named(room: Room, query: dict[str, str]) -> None:
    status, _, problem = room.ask("GET", "/v1/gifts", query=query)
    assert (status, [error["field"] for error in problem["errors"]]) == (400, list(query))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Problem(410, "Gone", "It has expired"), 410),
        (NotFound("no sign-up su_1"), 404),
        (Conflict("It is active"), 409),
        (StaleWrite("again"), 503),
    ],
)
def test_each_kind_of_refusal_has_its_status(room: Room, error: Exception, status: int) -> None:
    room.fails = error
    assert room.give(GOOD)[0] == status


def test_a_bug_passes_through_and_quotes_nobody(room: Room, log: io.StringIO) -> None:
    room.fails = KeyError(CANARY)
    with pytest.raises(KeyError):
        room.give(GOOD)
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "bug", "KeyError")
    assert CANARY not in log.getvalue()


def test_what_a_vendor_refuses_is_502_with_its_words_and_no_bug_of_ours(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.fails = VendorRejected("stripe: post checkout/sessions was refused (400)", code="x", status=400)
    status, problem = room.give(GOOD)
    assert (status, problem["title"], problem["correlation_id"]) == (502, "Refused by a vendor", "req-1")
    assert "was refused (400)" in problem["detail"]
    assert [record.message for record in caplog.records] == ["request refused by a vendor"]


# -- Idempotency-Key ----------------------------------------------------------------------------------------


def test_the_same_key_and_body_is_done_once_and_answered_alike(room: Room) -> None:
    first = room.give(GOOD, headers={"Idempotency-Key": "k1"})
    assert room.give(GOOD, headers={"idempotency-key": "k1"}) == first == (201, {"given": 1, "by": "ada"})
    assert len(room.given) == 1


def test_without_a_key_each_request_is_done(room: Room) -> None:
    assert [room.give(GOOD)[1]["given"] for _ in range(2)] == [1, 2]


def test_the_same_key_with_another_body_or_address_is_409(room: Room) -> None:
    key = {"idempotency-key": "k1"}
    room.give(GOOD, headers=key)
    assert room.give({"to": "Bo", "amount": 4}, headers=key)[0] == 409
    sent = json.dumps(GOOD).encode()
    assert room.ask("POST", "/v1/gifts/8", body=sent, headers=key)[0] == 409
    assert len(room.given) == 1


def test_a_key_is_its_caller_s_own(room: Room) -> None:
    key = {"idempotency-key": "k1"}
    room.give(GOOD, headers=key, subject="ada")
    assert room.give({"to": "Bo", "amount": 4}, headers=key, subject="bo")[0] == 201


def test_what_failed_may_be_sent_again_under_its_key(room: Room) -> None:
    key = {"idempotency-key": "k1"}
    room.fails = StaleWrite("again")
    assert room.give(GOOD, headers=key)[0] == 503
    room.fails = None
    assert room.give(GOOD, headers=key)[0] == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
def test_a_key_that_is_none_is_400(room: Room, key: str) -> None:
    status, problem = room.give(GOOD, headers={"idempotency-key": key})
    assert (status, problem["errors"][0]["field"]) == (400, "Idempotency-Key")


def test_a_store_that_is_down_is_503_under_a_key_too(room: Room, world: World) -> None:
    world.store.is_down = True
    assert room.give(GOOD, headers={"idempotency-key": "k1"})[0] == 503


def test_an_account_that_is_asked_about_too_often_is_told_when_to_come_again(world: World) -> None:
    signup = world.given_signup()
    answers = [call("GET", f"/v1/accounts/acc_{'a' * 26}/entitlements") for _ in range(900)]
    (refused, *_) = [body for status, body in answers if status == 429]
    assert "send this again in" in refused["detail"]
    assert call("GET", f"/v1/signups/{signup.signup_id}")[0] == 200  # nothing but the account is held back
