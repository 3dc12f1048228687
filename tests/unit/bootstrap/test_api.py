"""The operator API's resolver: problems, outages and odd ids are answered as problem JSON."""

import json
from typing import Any

import pytest

from functions.operations.api import handler
from tests.fakes.world import World


def get(path: str) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "routeKey": "GET /v1/signups/{id}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "http": {"method": "GET", "path": path},
            "requestId": "req-1",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = handler(event, None)
    return answer


def test_a_sign_up_is_told(world: World) -> None:
    signup = world.given_signup()
    answer = get(f"/v1/signups/{signup.signup_id}")
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["signup_id"] == signup.signup_id


@pytest.mark.parametrize("id", ["su_" + "a" * 26, "a" * 3000, "su_..", "SU_" + "A" * 26])
def test_an_id_that_is_nobody_s_is_404(world: World, id: str) -> None:
    answer = get(f"/v1/signups/{id}")
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["title"] == "Not found"


def test_a_store_that_is_down_is_503_and_says_when_to_ask_again(world: World) -> None:
    world.store.is_down = True
    answer = get("/v1/signups/su_" + "a" * 26)
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["correlation_id"] == "req-1"
    assert answer["headers"]["retry-after"] == "1"
