"""GET /v1/events: one account's events in its order, everybody's since a moment, and from where to go on."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.api import call
from tests.fakes.steps import run_until
from tests.fakes.world import World


def asked(query: dict[str, str], status: int = 200) -> dict[str, Any]:
    answered, body = call("GET", "/v1/events", query=query, role="viewer")
    assert answered == status, body
    return body


def types(body: dict[str, Any]) -> list[str]:
    return [item["type"] for item in body["items"]]


def test_an_account_s_events_come_in_their_order_and_a_page_goes_on_where_the_last_one_ended(
    world: World,
) -> None:
    signup = run_until(world, "create_subscription", world.given_signup())
    every = world.events(str(signup.account_id))
    first = asked({"account_id": str(signup.account_id), "limit": "3"})
    rest = asked({"account_id": str(signup.account_id), "cursor": str(first["next_cursor"]), "limit": "90"})
    assert types(first) + types(rest) == every
    nothing = asked({"account_id": str(signup.account_id), "cursor": str(rest["next_cursor"])})
    assert (nothing["items"], nothing["next_cursor"]) == ([], rest["next_cursor"])


def test_a_kind_of_events_can_be_asked_for(world: World) -> None:
    signup = run_until(world, "create_subscription", world.given_signup())
    found = types(asked({"account_id": str(signup.account_id), "type": "subscription.*"}))
    assert found == ["subscription.created", "subscription.activated"]


def test_everybody_s_events_come_as_they_were_recorded_day_after_day(world: World) -> None:
    accounts, every = [], []
    for who in ("ada", "bo", "cy"):
        signup = run_until(world, "create_subscription", world.given_signup(who))
        accounts.append(str(signup.account_id))
        every.extend(world.events(accounts[-1]))
        world.clock.advance(12 * 3600)
    begin = world.clock.now() - timedelta(days=2)
    since = begin.isoformat().replace("+00:00", "Z")
    assert types(asked({"since": since, "limit": "90"})) == every
    assert types(asked({})) == []  # of the last five minutes
    first = asked({"since": since, "limit": "2"})
    assert [item["account_id"] for item in first["items"]] == [accounts[0]] * len(
        world.events(accounts[0])
    )  # whole commits
    again = asked({"cursor": str(first["next_cursor"]), "limit": "90"})
    ids = {item["event_id"]: item["type"] for item in first["items"] + again["items"]}
    assert list(ids.values()) == every


@pytest.mark.parametrize(
    "query, field",
    [
        ({"since": "yesterday"}, "since"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"account_id": "acc_x", "cursor": "-1"}, "cursor"),
        ({"account_id": "acc_x", "cursor": "\u0663"}, "cursor"),
        ({"type": "DROP TABLE"}, "type"),
        ({"limit": "0"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(world: World, query: dict[str, str], field: str) -> None:
    problem = asked(query, status=400)
    assert field in str(problem["errors"])


def test_what_a_request_led_to_names_the_request_and_whom_it_is_about(world: World) -> None:
    signup = run_until(world, "create_subscription", world.given_signup())
    body = {"email": "bo@example.com", "name": "Bo", "role": "member"}
    status, answer = call("POST", f"/v1/accounts/{signup.account_id}/users", body, role="support")
    assert status == 201, answer
    invited = world.log.read(str(signup.account_id))[-1]
    assert invited.type == "user.invited"
    assert invited.context == {"request_id": "req-1", "user_id": invited.payload["user_id"]}
