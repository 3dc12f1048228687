"""MRR: what a subscription brings in a month, and that its movements add up (scenario 24)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain.mrr import monthly_minor, movement


@pytest.mark.parametrize(
    ("interval", "count", "monthly"),
    [("month", 1, 12000), ("year", 1, 1000), ("month", 3, 4000), ("week", 1, 52143), ("day", 1, 365000)],
)
def test_every_interval_is_worth_its_share_of_a_month(interval: str, count: int, monthly: int) -> None:
    found = monthly_minor(amount_minor=12000, quantity=1, interval=interval, interval_count=count)
    assert found == monthly


def test_discounts_are_taken_from_what_is_billed_before_it_is_spread_over_months() -> None:
    yearly = {"amount_minor": 12000, "quantity": 2, "interval": "year"}
    assert monthly_minor(**yearly, percent_off="25") == 1500
    assert monthly_minor(**yearly, amount_off_minor=6000) == 1500


def test_a_discount_never_makes_it_negative() -> None:
    assert monthly_minor(amount_minor=500, quantity=1, interval="month", amount_off_minor=900) == 0


@pytest.mark.parametrize(
    ("before", "after", "was_customer", "expected"),
    [
        (0, 5, False, "new"),
        (0, 5, True, "reactivated"),
        (5, 9, True, "expansion"),
        (9, 5, True, "contraction"),
        (5, 0, True, "churned"),
        (5, 5, True, None),
        (0, 0, False, None),
    ],
)
def test_a_change_counts_as_one_movement(
    before: int, after: int, was_customer: bool, expected: str | None
) -> None:
    assert movement(before_minor=before, after_minor=after, was_customer=was_customer) == expected


@given(st.lists(st.integers(min_value=0, max_value=10**7), min_size=1, max_size=20))
def test_law_the_movements_of_a_history_add_up_to_the_difference_of_its_ends(totals: list[int]) -> None:
    moved = [
        after - before
        for before, after in zip(totals, totals[1:], strict=False)
        if movement(before_minor=before, after_minor=after, was_customer=True)
    ]
    assert sum(moved) == totals[-1] - totals[0]
