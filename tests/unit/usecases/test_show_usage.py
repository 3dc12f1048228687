"""GET /v1/accounts/{id}/usage: per metric and period, against the plan's limit."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.api import call
from tests.fakes.usage import ACCOUNT, PERIOD, count_all, given_account, tell, used
from tests.fakes.world import World
from usher.domain import times


def shown(account_id: str = ACCOUNT, *, role: str = "product", **query: str) -> dict[str, Any]:
    status, answer = call("GET", f"/v1/accounts/{account_id}/usage", role=role, query=query)
    assert status == 200, answer
    return answer


def test_usage_is_shown_against_the_limit_of_the_period(world: World) -> None:
    given_account(world, plan="free")
    tell(used("r1", 850), used("r2", 5))
    count_all(world)
    assert shown() == {
        "account_id": ACCOUNT,
        "plan": "free",
        "metrics": [
            {
                "metric": "api_calls",
                "name": "API calls",
                "unit": "call",
                "billed": False,
                "periods": [
                    {
                        "start": times.text(PERIOD[0]),
                        "end": times.text(PERIOD[1]),
                        "quantity": 855,
                        "records": 2,
                        "billed_later": 0,
                        "most": 1000,
                        "hard": True,
                        "percent": 85,
                        "state": "near",
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("plan", "quantity", "state"),
    [("free", 0, "within"), ("free", 1000, "reached"), ("enterprise", 10**9, "unlimited")],
)
def test_the_state_says_where_it_stands(world: World, plan: str, quantity: int, state: str) -> None:
    given_account(world, plan=plan)
    tell(used("r1", quantity))
    count_all(world)
    (period,) = shown(role="viewer")["metrics"][0]["periods"]
    assert (period["state"], period["quantity"]) == (state, quantity)


def test_a_period_without_usage_is_shown_first_and_former_ones_on_demand(world: World) -> None:
    given_account(world)
    tell(used("r1", 7, ago=timedelta(days=12)))
    count_all(world)
    assert [each["quantity"] for each in shown()["metrics"][0]["periods"]] == [0]
    former = shown(periods="3")["metrics"][0]["periods"]
    assert [each["quantity"] for each in former] == [0, 7]
    assert former[1]["end"] == times.text(PERIOD[0])


def test_an_unknown_account_is_404_and_a_bad_query_is_named(world: World) -> None:
    assert call("GET", "/v1/accounts/acc_nobody/usage", role="product")[0] == 404
    for query in ({"periods": "0"}, {"periods": "13"}, {"periods": "many"}):
        status, problem = call("GET", f"/v1/accounts/{ACCOUNT}/usage", query=query)
        assert (status, [each["field"] for each in problem["errors"]]) == (400, ["periods"])
