"""GET /v1/onboardings: found by phone, e-mail, name, stage and time, a page at a time."""

import json
from typing import Any

import pytest

from functions.intake.receive_signup import handler as receive_signup
from tests.fakes.api import call
from tests.fakes.steps import run_until
from tests.fakes.webhooks import signup_body, signup_post
from tests.fakes.world import World


def given(world: World, who: str, /, **data: Any) -> str:
    """A sign-up as intake stores it, still queued; returns its id. A second passes."""
    body = signup_body(email=f"{who}@example.com", name=f"{who.capitalize()} Example", **data)
    answer = receive_signup(signup_post(body, webhook_id=f"msg_{who}"), None)
    assert answer["statusCode"] == 202
    world.clock.advance(1)
    return str(json.loads(answer["body"])["signup_id"])


def begun(world: World, who: str, /, **data: Any) -> str:
    """A sign-up whose first step is done."""
    signup = world.signups.get(given(world, who, **data))
    run_until(world, "register_signup", signup)
    return signup.signup_id


def listed(**query: str) -> list[str]:
    """The names on the one page that these wishes give."""
    status, body = call("GET", "/v1/onboardings", query=query, role="support")
    assert (status, body["next_cursor"]) == (200, None)
    return [item["name"].removesuffix(" Example") for item in body["items"]]


@pytest.fixture
def people(world: World) -> World:
    begun(world, "ada", phone="+14155550101")
    begun(world, "bo", phone="+14155550102")
    begun(world, "adam")
    return world


def test_without_a_wish_everybody_is_listed_newest_first(people: World) -> None:
    assert listed() == ["Adam", "Bo", "Ada"]


def test_those_still_queued_come_first(people: World) -> None:
    given(people, "cy")
    given(people, "di")
    assert listed() == ["Di", "Cy", "Adam", "Bo", "Ada"]


@pytest.mark.parametrize(
    "query", [{"email": "cy@example.com"}, {"phone": "+14155550103"}, {"stage": "received"}], ids=str
)
def test_one_that_is_still_queued_is_found_too(people: World, query: dict[str, str]) -> None:
    given(people, "cy", phone="+14155550103")
    assert listed(**query) == ["Cy"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"email": "ADA@Example.com"}, ["Ada"]),
        ({"email": "nobody@example.com"}, []),
        ({"phone": "+14155550102"}, ["Bo"]),
        ({"phone": " 14155550102"}, ["Bo"]),  # a bare plus in a query string is a space
        ({"phone": "+1 (415) 555-0102"}, ["Bo"]),
        ({"name": "aDA"}, ["Ada", "Adam"]),
        ({"name": "  ada   example "}, ["Ada"]),
        ({"name": "example"}, []),
        ({"stage": "registered"}, ["Adam", "Bo", "Ada"]),
        ({"stage": "activated"}, []),
        ({"name": "ada", "email": "adam@example.com"}, ["Adam"]),
        ({"phone": "+14155550101", "email": "bo@example.com"}, []),
        ({"stage": "registered", "name": "b"}, ["Bo"]),
    ],
    ids=str,
)
def test_people_are_found_by_what_is_known_of_them(
    people: World, query: dict[str, str], names: list[str]
) -> None:
    assert listed(**query) == names


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Žofie Nováková", "ŽOFIE"), ("ﬁona Smith", "fiona"), ("Straße AG", "strasse"), ("李 雷", "李")],
)
def test_names_are_compared_whatever_their_case_and_form(world: World, name: str, asked: str) -> None:
    signup_id = given(world, "ada")
    world.signups.change(signup_id, {"name": name})
    run_until(world, "register_signup", world.signups.get(signup_id))
    status, found = call("GET", "/v1/onboardings", query={"name": asked})
    assert [item["name"] for item in found["items"]] == [name]


def test_a_stage_is_that_of_now(people: World) -> None:
    ada = next(row for row in people.rows("signups") if row["name"] == "Ada Example")
    people.signups.change(ada["signup_id"], {"stage": "activated", "status": "active"})
    assert listed(stage="activated") == ["Ada"]
    assert listed(stage="registered") == ["Adam", "Bo"]


def test_what_moved_on_since_the_index_saw_it_is_left_out(people: World) -> None:
    """An index of DynamoDB lags: here the record moves between the index's answer and the record's."""

    def move_on() -> None:
        ada = next(row for row in people.rows("signups") if row["name"] == "Ada Example")
        people.signups.change(ada["signup_id"], {"stage": "activated"})

    people.store.meanwhile("get", move_on)
    assert listed(stage="registered") == ["Adam", "Bo"]


def test_an_item_shows_how_it_stands_and_until_when_it_waits(world: World) -> None:
    signup_id = begun(world, "ada", phone="+14155550101")
    waiting = {
        "kind": "review",
        "since": "2025-11-21T12:00:00.000Z",
        "deadline": "2025-11-23T12:00:00.000Z",
        "reasons": ["plan enterprise"],
        "reviewer": "sales",
        "default": "reject",
    }
    world.signups.change(
        signup_id, {"status": "waiting_review", "stage": "waiting_review", "waiting": waiting}
    )
    [item] = call("GET", "/v1/onboardings")[1]["items"]
    assert item == {
        "signup_id": signup_id,
        "kind": "signup",
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "+14155550101",
        "plan": item["plan"],
        "status": "waiting_review",
        "stage": "waiting_review",
        "received_at": "2025-11-21T12:00:00.000Z",
        "waiting": {name: waiting[name] for name in ("kind", "since", "deadline", "reasons")},
    }


@pytest.mark.parametrize("queued", [0, 2, 3, 7])
@pytest.mark.parametrize("query", [{}, {"stage": "registered"}, {"name": "p"}])
def test_pages_hold_everybody_once(world: World, query: dict[str, str], queued: int) -> None:
    """However many are still queued: the list of everybody begins with those and goes on with the others."""
    for number in range(7 if query else 7 - queued):
        begun(world, f"p{number}")
    for number in range(queued):
        given(world, f"q{number}")
    seen: list[str] = []
    page: dict[str, str] = {"limit": "3"}
    while True:
        status, body = call("GET", "/v1/onboardings", query={**query, **page})
        assert status == 200
        assert len(body["items"]) <= 3
        seen += [item["signup_id"] for item in body["items"]]
        if body["next_cursor"] is None:
            break
        page["cursor"] = body["next_cursor"]
    assert len(set(seen)) == len(seen) == 7


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"phone": "415"}, "phone"),
        ({"email": "no address"}, "email"),
        ({"stage": "Received!"}, "stage"),
        ({"name": ""}, "name"),
        ({"name": "\x00"}, "name"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "e30"}, "cursor"),
        ({"cursor": "queued.e30"}, "cursor"),
        ({"cursor": "begun.e30"}, "cursor"),
        ({"status": "active"}, "status"),
    ],
    ids=str,
)
def test_what_is_no_wish_is_named(people: World, query: dict[str, str], field: str) -> None:
    status, problem = call("GET", "/v1/onboardings", query=query)
    assert (status, [error["field"] for error in problem["errors"]]) == (400, [field])


def test_a_cursor_of_another_list_is_refused(people: World) -> None:
    cursor = call("GET", "/v1/onboardings", query={"limit": "1"})[1]["next_cursor"]
    status, problem = call("GET", "/v1/onboardings", query={"cursor": cursor, "stage": "received"})
    assert (status, problem["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize("role", ["viewer", "product"])
def test_people_s_addresses_are_for_support(world: World, role: str) -> None:
    assert call("GET", "/v1/onboardings", role=role)[0] == 403
