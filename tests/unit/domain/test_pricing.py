"""Pricing: what a year is per month, what it saves, what a promotion takes off."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain.plans import Plan, PlanCatalog
from usher.domain.pricing import Choice, applies, monthly_equivalent, offered, reduced
from usher.domain.promos import Promo

TODAY = date(2026, 11, 21)


def catalog(month: int, year: int, **more: Any) -> PlanCatalog:
    plans = {
        "pro-monthly": {"name": "M", "product": "pro", "amount_minor": month, "currencies": {"eur": 4500}},
        "pro-yearly": {"name": "Y", "product": "pro", "amount_minor": year, "interval": "year"},
    }
    return PlanCatalog.model_validate(
        {"currency": "usd", "products": {"pro": {"name": "Pro"}}, "plans": plans, **more}
    )


def test_a_year_saves_what_twelve_months_cost_more() -> None:
    (pro,) = offered(catalog(4900, 49000), ["pro-monthly", "pro-yearly"], "usd")
    assert pro.savings is not None and (pro.savings.minor, pro.savings.percent) == (9800, 16)


@pytest.mark.parametrize(("month", "year"), [(0, 0), (1000, 12000), (1000, 13000), (0, 100)])
def test_nothing_saved_is_not_told(month: int, year: int) -> None:
    (pro,) = offered(catalog(month, year), ["pro-monthly", "pro-yearly"], "usd")
    assert pro.savings is None


def test_prices_of_two_currencies_are_not_compared() -> None:
    (pro,) = offered(catalog(4900, 49000), ["pro-monthly", "pro-yearly"], "eur")
    assert {choice.currency for choice in pro.by_interval.values()} == {"eur", "usd"}
    assert pro.savings is None


@given(st.integers(0, 10**9))
def test_law_twelve_times_the_equivalent_is_the_year_or_a_few_units_more(year: int) -> None:
    assert 0 <= 12 * monthly_equivalent(year) - year < 12


@given(st.integers(0, 10**9), st.integers(1, 100))
def test_law_per_cent_take_off_no_more_than_there_is_and_round_to_a_half(amount: int, percent: int) -> None:
    choice = Choice("pro", Plan(name="Pro", amount_minor=amount), amount, "usd")
    left = reduced(choice, Promo(percent_off=percent), "usd")
    assert left is not None and 0 <= left <= amount
    assert abs(100 * (amount - left) - amount * percent) <= 50


def test_an_amount_off_is_in_the_catalog_s_currency_alone_and_leaves_nothing_below_zero() -> None:
    promo = Promo(amount_off_minor=500)
    plan = Plan(name="Pro", amount_minor=300)
    assert reduced(Choice("pro", plan, 300, "usd"), promo, "usd") == 0
    assert reduced(Choice("pro", plan, 300, "eur"), promo, "usd") is None


@pytest.mark.parametrize(
    ("promo", "good"),
    [
        ({}, True),
        ({"plans": ("pro",)}, True),
        ({"plans": ("starter",)}, False),
        ({"last_day": TODAY}, True),
        ({"last_day": date(2026, 11, 20)}, False),
    ],
)
def test_a_promotion_applies_to_its_plans_until_its_last_day_is_over(
    promo: dict[str, Any], good: bool
) -> None:
    assert applies(Promo(percent_off=10, **promo), "pro", today=TODAY) is good
