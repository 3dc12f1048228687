"""Plans, and what a sign-up may come to."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from infra import policy_files
from usher.domain.onboarding import FINAL, REOPENABLE, STEPS
from usher.domain.plans import Plan, PlanCatalog, Product, price_key

CATALOG = PlanCatalog.model_validate(policy_files.load("plans"))
NAMES = ["beta", "enterprise", "free", "pro-monthly", "pro-yearly", "starter-monthly", "starter-yearly"]


def test_the_default_catalog_has_the_agreed_plans() -> None:
    assert sorted(CATALOG.plans) == NAMES


def test_a_plan_is_paid_when_it_is_billed_and_has_a_price() -> None:
    assert [name for name in NAMES if not CATALOG.plans[name].is_paid] == ["beta", "free"]


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": -1}, {"amount_minor": 19.5}, {"trial_days": 731}, {"interval": "day"}, {"x": 1}],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"name": "Odd", "amount_minor": 1900} | change)


@pytest.mark.parametrize("change", [{"plans": {}}, {"currency": "USD"}, {"currency": "us dollars"}])
def test_a_catalog_needs_plans_and_one_currency(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PlanCatalog.model_validate({"currency": "usd", "plans": CATALOG.plans} | change)


STARTER = {"name": "Starter", "amount_minor": 1900, "product": "starter"}
WHOLE: dict[str, Any] = {
    "currency": "usd",
    "metrics": {"calls": {"name": "Calls", "unit": "call"}},
    "products": {"starter": {"name": "Starter"}},
    "plans": {
        "monthly": STARTER,
        "yearly": STARTER | {"interval": "year"},
        "solo": {"name": "S", "amount_minor": 1},
    },
    "promos": {"SUMMER": {"percent_off": 20, "plans": ["monthly", "yearly"]}},
}


def with_plan(**values: object) -> dict[str, Any]:
    return WHOLE | {"plans": WHOLE["plans"] | {"monthly": STARTER | values}}


def test_a_file_without_products_is_read_as_it_always_was() -> None:
    catalog = PlanCatalog.model_validate(
        {"currency": "usd", "plans": {"pro": {"name": "Pro", "amount_minor": 1}}}
    )
    assert catalog.product_of("pro") == ("pro", Product(name="Pro"))


def test_plans_of_two_intervals_share_a_product() -> None:
    catalog = PlanCatalog.model_validate(WHOLE)
    assert (
        catalog.product_of("monthly") == catalog.product_of("yearly") == ("starter", Product(name="Starter"))
    )


def test_a_plan_costs_in_each_currency_what_was_decided_for_it() -> None:
    catalog = PlanCatalog.model_validate(with_plan(currencies={"eur": 1800}))
    assert [catalog.amount_in("monthly", name) for name in ("usd", "eur", "gbp")] == [1900, 1800, None]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (with_plan(product="gone"), "plans.monthly.product: gone is not among the products"),
        (with_plan(interval="year"), "plans.yearly.interval: monthly is starter by the year already"),
        (with_plan(limits={"texts": {"most": 1}}), "plans.monthly: texts is not among the metrics"),
        (with_plan(currencies={"usd": 1}), "plans.monthly.currencies: usd is what amount_minor is in"),
        (
            with_plan(metered={"calls": {"amount_minor": 1}}, currencies={"eur": 1}),
            "plans.monthly.metered.calls.currencies: needs those of the plan",
        ),
        (
            WHOLE | {"plans": WHOLE["plans"] | {"starter": {"name": "S", "amount_minor": 1}}},
            "name the plan's product",
        ),
        (
            WHOLE | {"promos": {"X10": {"percent_off": 1, "plans": ["gone"]}}},
            "promos.X10.plans: gone is not a plan",
        ),
        (WHOLE | {"promos": {"X10": {"percent_off": 1, "plans": ["yearly"]}}}, "so monthly belongs here too"),
        (WHOLE | {"promos": {"X10": {}}}, "needs one of percent_off and amount_off_minor"),
        (WHOLE | {"promos": {"X10": {"percent_off": 1, "amount_off_minor": 1}}}, "needs one of percent_off"),
        (WHOLE | {"promos": {"x-10": {"percent_off": 1}}}, "promos.x-10"),
        (with_plan(metered={"calls": {"amount_minor": 1, "per": 3}}), "no exact price of one"),
        (with_plan(currencies={"eur": 0}), "currencies.eur"),
    ],
)
def test_a_catalog_that_does_not_hold_together_is_refused(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        PlanCatalog.model_validate(content)


def test_every_price_has_a_key_of_its_own() -> None:
    keys = [price_key("pro"), price_key("pro", currency="eur"), price_key("pro", metric="eur")]
    assert keys == ["pro", "pro.eur", "pro:eur"]
    assert price_key("pro", metric="calls", currency="eur") == "pro:calls.eur"


def test_only_what_was_undone_or_refused_may_sign_up_anew() -> None:
    assert {"rolled_back", "rejected", "expired"} == REOPENABLE
    assert FINAL >= REOPENABLE
    assert not FINAL & {"received", "provisioning", "waiting_payment", "waiting_review"}


def test_steps_are_named_once() -> None:
    assert len(set(STEPS)) == len(STEPS)
