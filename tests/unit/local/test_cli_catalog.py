"""`usher catalog`: what it shows of two accounts, what it changes, how it refuses."""

from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra import plan_catalog, policy_files
from infra.local.cli import app
from infra.local.cli.refusal import Refused
from infra.local.stand_ins.serve import running
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.plans import PlanCatalog

KEY = "sk_test_that_nobody_should_read"


@pytest.fixture(scope="module")
def accounts() -> Iterator[dict[str, str]]:
    with running("stripe") as dev, running("stripe") as prod:
        yield {
            "STRIPE_DEV_API_BASE": dev.url,
            "STRIPE_DEV_API_KEY": KEY,
            "STRIPE_PROD_API_BASE": prod.url,
            "STRIPE_PROD_API_KEY": KEY,
        }


@pytest.fixture(autouse=True)
def environment(accounts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in accounts.items():
        monkeypatch.setenv(name, value)


def run(*arguments: str, answer: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["catalog", *arguments], input=answer, catch_exceptions=False)
    assert KEY not in result.output
    return result.exit_code, result.output


def test_one_story_of_two_accounts() -> None:
    code, shown = run("plan", "--to", "dev")
    assert code == 1
    assert "+ price   pro-monthly.eur  45.00 EUR a month" in shown
    assert "to create, 0 to change, 0 to archive" in shown
    code, shown = run("apply", "--to", "dev", "--yes")
    assert (code, "+ product pro: done" in shown) == (0, True)
    assert run("plan", "--to", "dev") == (
        0,
        "Nothing to do: The account dev sells what policies/plans.yaml says.\n",
    )
    code, shown = run("plan", "--from", "dev", "--to", "prod")
    assert (code, "+ promo   WELCOME20" in shown) == (1, True)
    assert run("apply", "--from", "dev", "--to", "prod", "--yes")[0] == 0
    assert run("plan", "--from", "dev", "--to", "prod") == (
        0,
        "Nothing to do: The account prod sells what the account dev says.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("plan", "--to", "stage"), "STRIPE_STAGE_API_KEY is not set"),
        (("plan", "--to", "../prod"), "names no account"),
        (("plan", "--data", "nowhere"), "no Usher has run in nowhere yet"),
    ],
)
def test_an_account_that_cannot_be_reached_is_refused_with_what_to_do(
    arguments: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(Refused, match=complaint):
        run(*arguments)


def test_nobody_changes_a_named_account_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("stripe") as fresh:
        monkeypatch.setenv("STRIPE_FRESH_API_BASE", fresh.url)
        monkeypatch.setenv("STRIPE_FRESH_API_KEY", KEY)
        with pytest.raises(Refused, match="with --yes only"):
            run("apply", "--to", "fresh")


def test_a_vendor_that_is_away_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRIPE_DEV_API_BASE", "http://127.0.0.1:9")
    with pytest.raises(Refused, match="stripe: get billing got no answer"):
        run("plan", "--to", "dev")


def test_subscribers_keep_their_price_until_they_are_moved(
    accounts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("stripe") as shop, ExitStack() as stack:
        monkeypatch.setenv("STRIPE_SHOP_API_BASE", shop.url)
        monkeypatch.setenv("STRIPE_SHOP_API_KEY", KEY)
        calls = StripeCalls(api_base=shop.url, api_key=KEY)
        stack.callback(calls.close)
        file = deepcopy(policy_files.load("plans"))

        def apply() -> None:
            wanted = plan_catalog.of_file(PlanCatalog.model_validate(file), date(2025, 11, 21))
            list(plan_catalog.apply(plan_catalog.plan(wanted, calls), calls))

        def amounts() -> list[int]:
            found = calls.call("get", "/v1/subscriptions", {"limit": 10})["data"]
            return sorted(each["items"]["data"][0]["price"]["unit_amount"] for each in found)

        apply()
        (price,) = calls.call("get", "/v1/prices", {"lookup_keys": ["free"], "active": True})["data"]
        for who in ("acc_ada", "acc_bob"):
            customer = calls.call("post", "/v1/customers", {})["id"]
            order = {"customer": customer, "items": [{"price": price["id"]}], "metadata": {"account_id": who}}
            calls.call("post", "/v1/subscriptions", {**order, "trial_period_days": 30})
        file["plans"]["free"]["amount_minor"] = 100
        apply()
        assert amounts() == [0, 0]
        code, shown = run("migrate", "free", "--account", "acc_ada", "--to", "shop", "--yes")
        assert (code, "acc_ada  free 0 -> 100" in shown, "acc_bob" in shown) == (0, True, False)
        assert amounts() == [0, 100]
        assert run("migrate", "free", "--all", "--to", "shop", "--yes")[0] == 0
        assert amounts() == [100, 100]
        assert "Nobody to move" in run("migrate", "free", "--all", "--to", "shop", "--yes")[1]
    with pytest.raises(Refused, match="name the accounts, or --all"):
        run("migrate", "free")


def test_subscribers_get_what_their_plan_bills_by_use_since_then(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("stripe") as shop, ExitStack() as stack:
        monkeypatch.setenv("STRIPE_SHOP_API_BASE", shop.url)
        monkeypatch.setenv("STRIPE_SHOP_API_KEY", KEY)
        calls = StripeCalls(api_base=shop.url, api_key=KEY)
        stack.callback(calls.close)
        file = deepcopy(policy_files.load("plans"))

        def apply() -> None:
            wanted = plan_catalog.of_file(PlanCatalog.model_validate(file), date(2025, 11, 21))
            list(plan_catalog.apply(plan_catalog.plan(wanted, calls), calls))

        def items() -> list[tuple[str, int | None]]:
            (found,) = calls.call("get", "/v1/subscriptions", {"limit": 10})["data"]
            return [
                (item["price"]["nickname"], item["price"]["unit_amount"]) for item in found["items"]["data"]
            ]

        apply()
        (price,) = calls.call("get", "/v1/prices", {"lookup_keys": ["free"], "active": True})["data"]
        customer = calls.call("post", "/v1/customers", {})["id"]
        order = {
            "customer": customer,
            "items": [{"price": price["id"]}],
            "metadata": {"account_id": "acc_ada"},
        }
        calls.call("post", "/v1/subscriptions", order)
        for amount in (5, 7):
            file["plans"]["free"]["metered"] = {"api_calls": {"amount_minor": amount}}
            apply()
            code, shown = run("migrate", "free", "--all", "--to", "shop", "--yes")
            assert (code, "acc_ada  free:api_calls" in shown) == (0, True)
            assert [each for _, each in items()] == [0, amount]
        assert "Nobody to move" in run("migrate", "free", "--all", "--to", "shop", "--yes")[1]
