"""Entitlements and the pages behind them, asked as the product and the public ask (C14)."""

from dataclasses import replace
from typing import Any

import pytest

from functions.operations.api import handler
from tests.fakes.api import Context, api_event, call
from tests.fakes.steps import run, run_until
from tests.fakes.world import PUBLIC_URL, World
from usher.domain.invitations import invitation_id
from usher.ports.store import Put
from usher.settings import Settings
from usher.settings import install as install_settings


def entitled(account_id: str | None) -> dict[str, Any]:
    status, answer = call("GET", f"/v1/accounts/{account_id}/entitlements", role="product")
    assert status == 200
    return answer


def shown(path: str, **query: str) -> str:
    """The page at this path, which anybody may see."""
    answer = handler(api_event("GET", path, role=None, query=query), Context())
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    return str(answer["body"])


def test_a_paying_customer_has_its_plan_s_features_and_the_product_s_address(world: World) -> None:
    signup = run_until(world, "activate_account", world.given_signup(plan="pro-monthly"))
    plan = world.plans.plans["pro-monthly"]
    assert entitled(signup.account_id) == {
        "account_id": signup.account_id,
        "enabled": True,
        "access": "full",
        "status": "active",
        "plan": "pro-monthly",
        "features": plan.flags,
        "credits": plan.credits,
        "page": "app",
        "url": world.policy.product_url,
        "limits": {"api_calls": {"most": 100000, "hard": False, "reached": False}},
        "basis": "current",
        "as_of": None,
    }


def test_a_beta_customer_has_the_beta_plan(world: World) -> None:
    _, made = call("POST", "/v1/invitations", {}, role="support")
    id = invitation_id(made["items"][0]["key"])
    signup = world.given_signup(plan="beta", payment_method=None, invitation_id=id)
    found = entitled(run_until(world, "activate_account", signup).account_id)
    assert (found["enabled"], found["plan"], found["page"], found["credits"]) == (True, "beta", "app", 1000)


@pytest.mark.parametrize(("beta", "page"), [("false", "pricing"), ("true", "blocked")])
def test_an_account_without_a_subscription_is_sent_where_the_phase_says(
    world: World, beta: str, page: str
) -> None:
    install_settings(replace(Settings(public_url=PUBLIC_URL), beta_phase=beta))
    signup = world.given_signup(payment_method=None, trial=False)
    assert run(world, "register_signup", signup) == "pay"
    signup = world.signups.get(signup.signup_id)
    found = entitled(signup.account_id)
    assert (found["enabled"], found["status"], found["page"]) == (False, "none", page)
    assert (found["features"], found["credits"]) == ({}, 0)
    reference = f"?client_reference_id={signup.account_id}" if page == "pricing" else ""
    assert found["url"] == f"{PUBLIC_URL}/{page}{reference}"


def test_who_has_ended_is_sent_to_the_subscription_page(world: World) -> None:
    signup = run_until(world, "activate_account", world.given_signup())
    (row,) = world.rows("subscriptions")
    row["status"] = "canceled"
    world.store.inner.write(Put("subscriptions", row))
    found = entitled(signup.account_id)
    assert (found["page"], found["enabled"]) == ("subscription", False)
    assert found["url"] == f"{PUBLIC_URL}/subscription?account={signup.account_id}"


def test_an_unknown_account_is_404_and_a_person_may_look_too(world: World) -> None:
    assert call("GET", "/v1/accounts/acc_nobody/entitlements", role="product")[0] == 404
    signup = run_until(world, "register_signup", world.given_signup())
    assert call("GET", f"/v1/accounts/{signup.account_id}/entitlements", role="viewer")[0] == 200


def test_the_plans_are_public_and_those_by_invitation_are_not_among_them(world: World) -> None:
    status, answer = call("GET", "/v1/plans", role=None)
    assert (status, answer["currency"]) == (200, "usd")
    assert {item["plan"] for item in answer["items"]} == set(world.plans.plans) - {"beta"}


def test_the_pricing_page_lists_both_intervals_and_carries_whose_it_is(world: World) -> None:
    page = shown("/pricing", client_reference_id="acc_ada", utm_source="mail")
    assert page.index("By the month") < page.index("By the year")
    assert "49.00 USD a month" in page and "490.00 USD a year" in page
    assert "https://app.example.com/?plan=pro-yearly&amp;client_reference_id=acc_ada" in page
    assert "client_reference_id" not in shown("/pricing")


def test_a_reference_that_is_none_is_refused_and_never_shown(world: World) -> None:
    query = {"client_reference_id": "<script>alert(1)</script>"}
    status, problem = call("GET", "/pricing", role=None, query=query)
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["client_reference_id"])


def test_the_page_of_who_has_ended_leads_to_the_plans_and_tells_nothing_else(world: World) -> None:
    page = shown("/subscription", account="acc_whoever")
    assert f"{PUBLIC_URL}/pricing?client_reference_id=acc_whoever" in page


def test_the_page_of_who_is_not_let_in_says_so(world: World) -> None:
    assert "Not quite yet" in shown("/blocked")
