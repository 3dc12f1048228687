"""Intake of sign-ups: what is refused, and that every refusal names what to mend and quotes nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.intake import NEWER, fields, post, refuse
from tests.fakes.webhooks import ADA, NOON, api_event, signup_body, signup_headers, signup_post
from tests.fakes.world import World


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_header_is_not_a_signature(world: World, header: str, value: str | None) -> None:
    event = signup_post()
    event["headers"].pop(header)
    if value is not None:
        event["headers"][header] = value
    assert header in refuse(world, event, 401)["detail"]


def test_no_headers_at_all_are_refused(world: World) -> None:
    refuse(world, signup_post() | {"headers": None}, 415)


@pytest.mark.parametrize("seconds", [-301, 301, -86400])
def test_a_stale_or_future_timestamp_is_refused(world: World, seconds: int) -> None:
    refuse(world, signup_post(at=NOON + timedelta(seconds=seconds)), 401)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_tolerated(world: World, seconds: int) -> None:
    assert post(signup_post(at=NOON + timedelta(seconds=seconds)))[0] == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v2,AAAA v1a,BBBB"},
        {"webhook-signature": "v1,\ud800"},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "\ud800"},
        {"webhook-timestamp": "nan"},
    ],
)
def test_a_header_that_was_changed_is_refused(world: World, headers: dict[str, str]) -> None:
    refuse(world, signup_post(headers=headers), 401)


@pytest.mark.parametrize("webhook_id", ["m" * 256, "a\nb", "a\x00b", "\ud800", "\u2028"])
def test_a_webhook_id_is_short_and_printable(world: World, webhook_id: str) -> None:
    problem = refuse(world, signup_post(headers={"webhook-id": webhook_id}), 400)
    assert fields(problem) == ["webhook-id"]


def test_a_body_written_anew_is_not_the_one_that_was_signed(world: World) -> None:
    event = signup_post()
    rewritten = json.dumps(json.loads(event["body"]), separators=(",", ":"))
    refuse(world, event | {"body": rewritten}, 401)


def test_a_wrong_secret_is_refused_before_the_body_is_looked_at(world: World) -> None:
    refuse(world, signup_post(b"{nonsense", secret=NEWER), 401)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "json"]
)
def test_another_content_type_is_refused(world: World, kind: str) -> None:
    refuse(world, signup_post(headers={"content-type": kind}), 415)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf" + signup_body(),
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        rb'{"a": "\u0000"}',
        rb'{"a": "\ud800"}',
    ],
)
@pytest.mark.parametrize("in_base64", [True, False])
def test_a_body_that_is_not_acceptable_json_is_malformed(world: World, body: bytes, in_base64: bool) -> None:
    problem = refuse(world, signup_post(body, in_base64=in_base64), 400)
    assert (problem["title"], fields(problem)) == ("Malformed request", ["body"])


@pytest.mark.parametrize("body", ["null", "1", '"text"', "[]", "true", "[[{}]]", "1.5"])
def test_json_that_is_no_object_is_invalid(world: World, body: str) -> None:
    (error,) = refuse(world, signup_post(body.encode()), 400)["errors"]
    assert error == {"field": "body", "message": "must be an object"}


def test_an_empty_object_names_every_field_that_is_missing(world: World) -> None:
    assert fields(refuse(world, signup_post(b"{}"), 400)) == ["data", "timestamp", "type"]
    empty = b'{"type":"signup.completed","timestamp":"2025-11-21T12:00:00Z","data":{}}'
    problem = refuse(world, signup_post(empty), 400)
    assert fields(problem) == ["data.email", "data.name", "data.plan"]
    assert {error["message"] for error in problem["errors"]} == {"is required"}


BAD: list[tuple[str, Any]] = [
    ("data.email", "canary"),
    ("data.email", "canary@"),
    ("data.email", "canary@@example.com"),
    ("data.email", "canary@example.com\n"),
    ("data.email", "can ary@example.com"),
    ("data.email", "canary@" + "a" * 64 + ".com"),
    ("data.email", "canary" * 60 + "@example.com"),
    ("data.email", "<canary@example.com>"),
    ("data.email", "canary" + "y" * 59 + "@example.com"),
    ("data.email", 42),
    ("data.email", ["canary@example.com"]),
    ("data.name", ""),
    ("data.name", "   "),
    ("data.name", "canary" * 50),
    ("data.name", "canary\r\nBcc: eve@example.com"),
    ("data.name", "canary\x1b[31m"),
    ("data.name", "canary\u2028"),
    ("data.name", 1),
    ("data.name", {"canary": 1}),
    ("data.phone", "canary"),
    ("data.phone", "0155550123"),
    ("data.phone", "+1"),
    ("data.phone", "+99999999999999999999"),
    ("data.phone", 14155550123),
    ("data.plan", "canary"),
    ("data.plan", ""),
    ("data.plan", "c" * 65),
    ("data.plan", 1),
    ("data.plan", True),
    ("data.payment_method", "pm canary"),
    ("data.payment_method", "pm_../../canary\n"),
    ("data.payment_method", ""),
    ("data.payment_method", "4242424242424242"),
    ("data.payment_method", "4242-4242-4242-4242"),
    ("data.payment", "canary"),
    ("data.payment", "CARD"),
    ("data.trial", "true"),
    ("data.trial", 1),
    ("data.company", "canary"),
    ("data.company", []),
    ("data.company.name", {"name": ""}),
    ("data.company.name", {"domain": "example.com"}),
    ("data.company.domain", {"name": "x", "domain": "canary"}),
    ("data.company.domain", {"name": "x", "domain": "https://canary.com"}),
    ("data.company.domain", {"name": "x", "domain": "canary..com"}),
    ("data.company.size", {"name": "x", "size": 0}),
    ("data.company.size", {"name": "x", "size": 10_000_001}),
    ("data.company.size", {"name": "x", "size": 1.5}),
    ("data.company.size", {"name": "x", "size": "10"}),
    ("data.company.size", {"name": "x", "size": 10**30}),
    ("data.company.canary", {"name": "x", "canary": 1}),
    ("data.locale", "canary-canary-canary"),
    ("data.locale", "e"),
    ("data.consent", True),
    ("data.consent.marketing", {"marketing": "yes"}),
    ("data.consent.canary", {"canary": True}),
    ("data.external_id", "can ary"),
    ("data.sso_subject", "canary" * 50),
    ("data.referral_source", "canary\x00".replace("\x00", "\x7f")),
    ("data.unknown", "canary"),
    ("data.__proto__", {"canary": 1}),
]


@pytest.mark.parametrize("field, value", BAD, ids=lambda value: str(value)[:30])
def test_a_bad_field_is_named_and_its_value_is_not(world: World, field: str, value: Any) -> None:
    name = field.split(".")[1]
    problem = refuse(world, signup_post(**{name: value}), 400)
    assert fields(problem) == [field]
    assert field in problem["detail"]
    told = json.dumps([error["message"] for error in problem["errors"]])
    assert "canary" not in told


def test_all_bad_fields_are_named_at_once(world: World) -> None:
    event = {
        "type": "signup.begun",
        "timestamp": "yesterday",
        "extra": 1,
        "data": {"email": "x", "phone": "y"},
    }
    problem = refuse(world, signup_post(json.dumps(event).encode()), 400)
    expected = ["data.email", "data.name", "data.phone", "data.plan", "extra", "timestamp", "type"]
    assert fields(problem) == expected


@pytest.mark.parametrize(
    "timestamp",
    ["yesterday", "2025-11-21", "2025-11-21T12:00:00", "2026-13-21T12:00:00Z", "", 1763726400, None],
)
def test_the_timestamp_is_an_rfc_3339_date_time(world: World, timestamp: Any) -> None:
    event = {"type": "signup.completed", "timestamp": timestamp, "data": ADA}
    assert fields(refuse(world, signup_post(json.dumps(event).encode()), 400)) == ["timestamp"]


def test_an_unknown_plan_is_answered_with_those_there_are(world: World) -> None:
    problem = refuse(world, signup_post(plan="gold"), 400)
    assert "starter-monthly" in problem["errors"][0]["message"]
    assert "gold" not in json.dumps(problem)


def test_a_trial_that_the_plan_does_not_have_is_refused(world: World) -> None:
    assert fields(refuse(world, signup_post(plan="free", trial=True), 400)) == ["data.trial"]
    assert fields(refuse(world, signup_post(trial=True, payment="invoice"), 400)) == ["data.trial"]


def test_the_name_of_an_unknown_field_is_cut_short_and_made_harmless(world: World) -> None:
    problem = refuse(world, signup_post(**{"x" * 5000: 1}), 400)
    assert fields(problem) == ["data." + "x" * 64]
    assert fields(refuse(world, signup_post(**{"ключ": 1}), 400)) == ["data.????"]


@given(st.binary(max_size=120))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_any_signed_bytes_are_refused_politely(world: World, body: bytes) -> None:
    refuse(world, signup_post(body, in_base64=True), 400)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*ADA, "phone", "trial", "locale", "consent"]), JSON_VALUES)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_any_value_of_any_field_is_accepted_or_named(world: World, field: str, value: Any) -> None:
    body = json.dumps(
        {"type": "signup.completed", "timestamp": "2025-11-21T12:00:00Z", "data": ADA | {field: value}}
    )
    status, answer = post(signup_post(body.encode()))
    assert status in {202, 400, 409}
    if status == 400 and answer["title"] == "Invalid request":
        assert all(name.startswith(f"data.{field}") for name in fields(answer))


@given(st.dictionaries(st.sampled_from([*signup_headers(b""), "x"]), st.text(st.characters(), max_size=30)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_any_headers_are_refused_politely(world: World, headers: dict[str, str]) -> None:
    status, _ = post(api_event("/webhooks/signup", headers, signup_body()))
    assert status in {400, 401, 415}
    assert world.stored() == {}
