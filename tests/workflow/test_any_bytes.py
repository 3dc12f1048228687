"""Any bytes at any route: a refusal in problem JSON, and never a server error (SCENARIOS 35)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infra import catalog
from tests.fakes.gateway import TOKENS, Door, Said, access_tokens
from tests.fakes.platform import FixedSecrets
from tests.fakes.webhooks import signup_body, signup_headers
from tests.fakes.world import SIGNUP_SECRET, STRIPE_SECRET, World, world
from usher.domain.strict_json import MAX_DEPTH

__all__ = ["world"]

PAGES = ("text/html", "application/problem+json")  # what a customer opens in a browser is answered as a page
SEEDED = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["\x00", "\ud800", "NaN", "{{7*7}}", "'; --", "../../etc", "su_" + "a" * 26, "\u202e", "💥" * 99]
    ),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [
        "data",
        "type",
        "email",
        "phone",
        "plan",
        "decision",
        "reason",
        "ids",
        "id",
        "credits",
        "timestamp",
        "name",
    ]
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(field_names, json_values, max_size=5).map(lambda value: json.dumps(value).encode()),
)
headers = st.dictionaries(
    st.sampled_from(["content-type", "idempotency-key", "stripe-signature", "webhook-id", "x-other"]),
    st.text(st.characters(max_codepoint=255, exclude_categories=("Cc",)), max_size=40),
    max_size=3,
)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(autouse=True)
def known_tokens(world: World) -> None:
    world.secrets = FixedSecrets(
        access_tokens=access_tokens(),
        link_signing="k" * 32,
        signup_webhook=SIGNUP_SECRET,
        stripe_webhook=STRIPE_SECRET,
    )


def refused_or_done(said: Said) -> None:
    assert said.status < 500, said
    if said.status >= 400:
        assert said.headers["content-type"].partition(";")[0] in PAGES
        if said.headers["content-type"].endswith("json"):
            assert said.json["status"] == said.status


def path_of(route: catalog.Route, ids: list[str]) -> str:
    filled = iter(ids)
    parts = [next(filled, "x") if part.startswith("{") else part for part in route.path.split("/")]
    return "/".join(parts)


@pytest.mark.parametrize("route", catalog.ROUTES, ids=lambda route: route.key)
def test_whatever_is_sent_the_answer_is_no_server_error(door: Door, route: catalog.Route) -> None:
    @SEEDED
    @given(
        body=bodies,
        ids=st.lists(texts.map(lambda text: text.encode(errors="replace").decode()), max_size=2),
        query=st.one_of(
            st.binary(max_size=60).map(lambda raw: raw.replace(b" ", b"+")),
            st.dictionaries(
                st.sampled_from(["limit", "cursor", "phone", "email", "name", "stage", "day", "state"]),
                texts.map(lambda text: text.encode(errors="replace").decode()),
                max_size=3,
            ),
        ),
        more=headers,
    )
    @example(body=b"[" * 100_000, ids=["%00"], query=b"%ff=%00&&=", more={})
    @example(body=b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), ids=["a/b"], query=b"", more={})
    @example(body=json.dumps({"name": "x" * 1_000_000}).encode(), ids=["x" * 9000], query=b"", more={})
    @example(body=b'{"a": 1e999, "b": -Infinity}', ids=["\u2028"], query=b"limit=1&limit=2", more={})
    @example(body=b"", ids=["x"], query={"cursor": "of no list"}, more={})
    @example(body=b"1" * 5000, ids=[""], query=b"limit=" + b"9" * 5000, more={})
    def run(body: bytes, ids: list[str], query: Any, more: dict[str, str]) -> None:
        token = TOKENS[route.roles[-1]] if route.access == "token" else None
        path = path_of(route, ids)
        sent = body if route.method != "GET" else b""
        refused_or_done(door.ask(route.method, path, token=token, body=sent, query=query, headers=more))

    run()


@SEEDED
@given(data=json_values, field=field_names)
def test_a_signed_sign_up_of_any_content_is_refused_or_taken(door: Door, data: Any, field: str) -> None:
    event = json.loads(signup_body())
    (event["data"] if field not in event else event)[field] = data
    body = json.dumps(event).encode()
    refused_or_done(door.ask("POST", "/webhooks/signup", body=body, headers=signup_headers(body)))


@SEEDED
@given(header=st.text(st.characters(max_codepoint=255, exclude_categories=("Cc",)), max_size=80))
@example(header="Bearer " + "a." * 4000)
@example(header="Bearer eyJhbGciOiJub25lIn0.e30.")
def test_any_authorization_is_401_or_lets_somebody_in(door: Door, header: str) -> None:
    said = door.ask("GET", "/v1/audit", headers={"authorization": header})
    assert said.status == 401
    refused_or_done(said)
