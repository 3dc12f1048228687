"""Every route of the catalog, asked as every role through the gateway (SCENARIOS 34)."""

import json
from collections.abc import Iterator

import pytest

from functions.operations.routes.rooms import ROOMS
from infra import catalog
from tests.fakes.gateway import EVERYBODY, TOKENS, Door, Said, access_tokens
from tests.fakes.platform import FixedSecrets
from tests.fakes.world import World, world
from usher.domain.access import ROLES
from usher.usecases.fields import MAX_PAGE, Paged

__all__ = ["world"]

TOKEN_ROUTES = [route for route in catalog.ROUTES if route.access == "token"]
OPERATIONS = {key: each for room in ROOMS for key, each in room.routes.operations.items()}
LISTS = [
    route
    for route in TOKEN_ROUTES
    if route.key in OPERATIONS and route.method == "GET" and issubclass(OPERATIONS[route.key].input, Paged)
]
UNKNOWN = "su_" + "a" * 26


def by_key(route: catalog.Route) -> str:
    return route.key


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(autouse=True)
def known_tokens(world: World) -> None:
    world.secrets = FixedSecrets(access_tokens=access_tokens(), link_signing="k" * 32)


def allowed(route: catalog.Route) -> str:
    """A token that may use the route."""
    return TOKENS[route.roles[-1]]


def ask(door: Door, route: catalog.Route, token: str | None, body: bytes = b"{}", **query: str) -> Said:
    """The route, of somebody who does not exist."""
    path = "/".join(UNKNOWN if part.startswith("{") else part for part in route.path.split("/"))
    return door.ask(route.method, path, token=token, body=body if route.method != "GET" else b"", query=query)


@pytest.mark.parametrize("route", TOKEN_ROUTES, ids=by_key)
def test_a_route_takes_its_roles_and_nobody_else(door: Door, route: catalog.Route) -> None:
    for nobody in (None, "made-up", ""):
        said = ask(door, route, nobody)
        assert (said.status, said.json["status"]) == (401, 401), nobody
        assert said.headers["content-type"] == "application/problem+json"
        assert said.headers["www-authenticate"] == "Bearer"
    for role in EVERYBODY:
        said = ask(door, route, TOKENS[role])
        if role in route.roles:
            assert said.status not in (401, 403) and said.status < 500, (role, said)
        else:
            assert (said.status, said.json["title"]) == (403, "Forbidden"), role


@pytest.mark.parametrize(
    "route", [each for each in TOKEN_ROUTES if "{" in each.path and each.method == "GET"], ids=by_key
)
def test_what_does_not_exist_is_404(door: Door, route: catalog.Route) -> None:
    said = ask(door, route, allowed(route))
    assert (said.status, said.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("route", [each for each in TOKEN_ROUTES if each.method == "POST"], ids=by_key)
def test_a_field_that_no_route_knows_is_named(door: Door, route: catalog.Route) -> None:
    said = ask(door, route, allowed(route), json.dumps({"surprise": 1}).encode())
    assert said.status == 400
    assert "surprise" in {error["field"] for error in said.json["errors"]}


@pytest.mark.parametrize("route", [each for each in TOKEN_ROUTES if each.method == "GET"], ids=by_key)
def test_a_query_parameter_that_no_route_knows_is_named(door: Door, route: catalog.Route) -> None:
    said = ask(door, route, allowed(route), surprise="1")
    assert (said.status, [error["field"] for error in said.json["errors"]]) == (400, ["surprise"])


@pytest.mark.parametrize("route", LISTS, ids=by_key)
def test_a_list_gives_no_more_than_its_cap(door: Door, world: World, route: catalog.Route) -> None:
    assert OPERATIONS[route.key].input.model_validate_strings({"limit": "1000000"}).limit == MAX_PAGE
    said = ask(door, route, allowed(route), limit="1000000")
    if "{" in route.path:  # of somebody, who does not exist
        assert said.status == 404
    else:
        assert (said.status, set(said.json)) == (200, {"items", "next_cursor"})


def test_every_list_is_capped() -> None:
    """A route that is read by a cursor is a list, and takes its size from where the cap is."""
    for key, operation in OPERATIONS.items():
        if key.startswith("GET ") and "cursor" in operation.input.model_fields:
            assert issubclass(operation.input, Paged), key


def test_every_token_route_has_roles_and_a_handler() -> None:
    for route in TOKEN_ROUTES:
        people = [role for role in route.roles if role in ROLES]
        assert route.roles and set(route.roles) <= set(EVERYBODY), route.key
        assert people == [*ROLES][len(ROLES) - len(people) :], f"{route.key}: each role includes the former"
        if route.function == "operations/api":
            assert route.key in OPERATIONS, route.key
    listed = {route.key for route in catalog.ROUTES if route.function == "operations/api"}
    assert set(OPERATIONS) <= listed


def test_another_path_s_role_does_not_open_this_one(door: Door) -> None:
    """An encoded slash makes API Gateway and the resolver see different routes: the stricter one decides."""
    said = door.ask("GET", "/v1/signups/..%2Faudit", token=TOKENS["viewer"])
    assert said.status in (403, 404)
