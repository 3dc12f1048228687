"""The wrapper of HTTP functions: what a handler is given, and how each outcome is answered (B12)."""

import dataclasses
import hashlib
import io
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.operations.authorize import handler as authorize_handler
from functions.operations.health import handler as health_handler
from infra import policy_files
from tests.fakes.api import api_event as request
from tests.fakes.api import call
from tests.fakes.platform import FixedSecrets
from tests.fakes.steps import run_until
from tests.fakes.webhooks import api_event
from tests.fakes.world import World
from usher.bootstrap import platform as bootstrap_platform
from usher.bootstrap import policies
from usher.bootstrap.web import http
from usher.domain.errors import NotYet, StaleWrite, StoreUnavailable
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.http import Answer, Request
from usher.settings import Settings
from usher.settings import install as install_settings


@pytest.fixture(autouse=True)
def catalog_s_routes() -> None:
    policies.install(policy_files.load_all())


def answer_of(outcome: Answer | Exception, event: dict[str, Any] | None = None) -> dict[str, Any]:
    def run(request: Request) -> Answer:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return http(run)(event or api_event("/webhooks/signup", {}, b""), None)


def request_of(event: dict[str, Any]) -> Request:
    seen: list[Request] = []

    def run(request: Request) -> Answer:
        seen.append(request)
        return Answer(200, {})

    http(run)(event, None)
    return seen[0]


@pytest.mark.parametrize("in_base64", [True, False])
def test_a_handler_sees_the_bytes_that_were_sent(in_base64: bool) -> None:
    body = '{"name":  "Zoë 🚀"}\r\n'.encode()
    assert request_of(api_event("/webhooks/signup", {}, body, in_base64=in_base64)).body == body


def token_event(role: str, subject: str = "sue") -> dict[str, Any]:
    """A request to a route that asks for a token, by a caller the authorizer named."""
    event = api_event("/v1/signups/1", {"X-Two-Words": "Value"}, b"")
    event |= {"routeKey": "GET /v1/signups/{id}", "pathParameters": {"id": "1"}}
    event["requestContext"]["authorizer"] = {"lambda": {"role": role, "subject": subject}}
    return event


def test_a_handler_sees_lower_case_headers_parameters_and_who_calls() -> None:
    request = request_of(token_event("support"))
    assert request.headers == {"x-two-words": "Value"}
    assert (request.parameters, request.role, request.subject) == ({"id": "1"}, "support", "sue")
    assert (request.method, request.path, request.request_id) == ("POST", "/v1/signups/1", "req-1")


@pytest.mark.parametrize(
    ("role", "subject", "status"), [("", "", 401), ("", "sue", 403), ("root", "sue", 403)]
)
def test_who_may_not_is_answered_before_the_handler_is_asked(role: str, subject: str, status: int) -> None:
    answer = answer_of(ZeroDivisionError(), token_event(role, subject))
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (status, status)
    assert ("www-authenticate" in answer["headers"]) is (status == 401)


def test_a_route_that_the_catalog_does_not_list_is_refused_to_everybody() -> None:
    event = token_event("admin") | {"routeKey": "GET /v1/forgotten"}
    assert answer_of(ZeroDivisionError(), event)["statusCode"] == 403


@pytest.mark.parametrize("absent", ["body", "headers", "isBase64Encoded"])
def test_what_api_gateway_leaves_out_is_empty(absent: str) -> None:
    event = api_event("/webhooks/signup", {}, b"")
    del event[absent]
    request = request_of(event)
    assert (request.body, request.headers, request.parameters, request.role) == (b"", {}, {}, "")


def test_a_mapping_is_answered_as_json_and_a_text_as_it_is() -> None:
    answer = answer_of(Answer(201, {"a": "é"}, headers={"x-y": "z"}))
    assert (answer["statusCode"], json.loads(answer["body"])) == (201, {"a": "é"})
    assert answer["headers"] == {"content-type": "application/json", "x-y": "z"}
    page = answer_of(Answer(200, "<p>é</p>", content_type="text/html; charset=utf-8"))
    assert (page["body"], page["headers"]["content-type"]) == ("<p>é</p>", "text/html; charset=utf-8")


def test_a_problem_is_answered_as_rfc_9457_says() -> None:
    answer = answer_of(invalid((FieldError("data.email", "is required"),)))
    assert answer["headers"] == {"content-type": "application/problem+json"}
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Invalid request",
        "status": answer["statusCode"],
        "detail": "These fields need attention: data.email",
        "correlation_id": "req-1",
        "errors": [{"field": "data.email", "message": "is required"}],
    }


@pytest.mark.parametrize("error", [StoreUnavailable("a"), StaleWrite("b"), NotYet("c")])
def test_what_may_succeed_later_is_answered_503_with_retry_after(error: Exception) -> None:
    answer = answer_of(error)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")
    assert json.loads(answer["body"])["title"] == "Try again"


def test_a_bug_passes_through_and_is_no_polite_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        answer_of(ZeroDivisionError())


def test_half_a_surrogate_pair_cannot_have_been_bytes() -> None:
    event = api_event("/webhooks/signup", {}, b"") | {"body": "\ud800"}
    assert answer_of(Answer(200, {}), event)["statusCode"] == 400


def test_no_answer_and_no_log_quotes_the_request(log: io.StringIO) -> None:
    event = api_event("/webhooks/signup", {"authorization": "Bearer canary"}, b"canary")
    for outcome in (Problem(400, "t", "d"), StoreUnavailable("canary is down")):
        assert "canary" not in json.dumps(answer_of(outcome, event))
    assert "StoreUnavailable" in log.getvalue()
    assert "canary" not in log.getvalue()


# -- the operator API's functions ---------------------------------------------------------------------------


def get(path: str) -> tuple[int, dict[str, Any]]:
    return call("GET", path)


def test_the_service_says_that_it_is_well(world: World) -> None:
    assert health_handler(request("GET", "/healthz", role=None), None)["statusCode"] == 200


def test_a_sign_up_shows_its_status_steps_ids_and_timings(world: World) -> None:
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    status, body = get(f"/v1/signups/{signup.signup_id}")
    assert status == 200
    assert (body["status"], body["stage"], body["account_id"]) == ("active", "welcomed", signup.account_id)
    assert body["ids"]["customer_id"] == "cus_0001"
    assert [step["name"] for step in body["steps"]][0] == "register_signup"
    assert {step["status"] for step in body["steps"]} == {"done"}
    assert set(body["timings"]) == {"received_at", "active_at", "seconds_to_active"}
    assert "failure" not in body
    assert "ada" not in json.dumps(body).casefold().replace("contact-ada@example.com", "")


def test_a_sign_up_that_has_just_come_shows_what_is_known(world: World) -> None:
    signup = world.given_signup()
    _, body = get(f"/v1/signups/{signup.signup_id}")
    assert (body["status"], body["account_id"], body["steps"]) == ("received", None, [])
    assert set(body["ids"].values()) == {None}
    assert set(body["timings"]) == {"received_at"}


@pytest.mark.parametrize("path", ["/v1/signups/su_unknown", "/v1/unknown", "/"])
def test_what_is_not_there_is_a_problem_404(world: World, path: str) -> None:
    status, problem = get(path)
    assert status == problem["status"] == 404
    assert problem["correlation_id"] == "req-1"


# -- the authorizer -----------------------------------------------------------------------------------------


def named(headers: dict[str, str] | None) -> dict[str, str]:
    """What the authorizer hands on; it lets everybody pass."""
    answer = authorize_handler({"headers": headers}, None)
    assert answer["isAuthorized"] is True
    context: dict[str, str] = answer["context"]
    return context


@pytest.fixture
def tokens(world: World) -> None:
    hashed = {hashlib.sha256(f"token-of-{role}".encode()).hexdigest(): role for role in ("viewer", "admin")}
    world.secrets = FixedSecrets(access_tokens=json.dumps(hashed))


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("name", ["authorization", "Authorization"])
def test_the_authorizer_names_role_and_subject(name: str) -> None:
    said = named({name: "Bearer token-of-admin"})
    assert said["role"] == "admin"
    assert said["subject"].startswith("token:") and "token-of" not in said["subject"]


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("headers", [None, {}, {"authorization": "Bearer nonsense"}])
def test_nobody_we_know_has_no_name_and_passes_too(headers: dict[str, str] | None) -> None:
    assert named(headers) == {"role": "", "subject": ""}


@pytest.mark.usefixtures("tokens")
def test_an_outage_is_handed_on_as_one(world: World) -> None:
    """A user pool that does not answer: nothing listens on port 9 (discard)."""
    key = rsa.generate_private_key(65537, 2048)
    install_settings(Settings(cognito_issuer="http://127.0.0.1:9/pool", cognito_client_ids="console"))
    bootstrap_platform.install(dataclasses.replace(world))
    token = jwt.encode({"sub": "1"}, key, algorithm="RS256", headers={"kid": "k1"})
    assert named({"authorization": f"Bearer {token}"}) == {
        "role": "",
        "subject": "",
        "outage": "VendorUnavailable",
    }
