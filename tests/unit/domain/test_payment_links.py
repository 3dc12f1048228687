"""What a payment link sells and until when: bounds of its deadline, times of its reminder, money as text."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from usher.domain import money
from usher.domain.payment_links import LinkPolicy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLICY = LinkPolicy()


def test_without_a_wish_policy_says_the_deadline() -> None:
    assert POLICY.deadline(None, NOW) == NOW + timedelta(days=7)


@pytest.mark.parametrize("hours", [1, 24, 720])
def test_a_wish_inside_the_bounds_is_kept(hours: int) -> None:
    assert POLICY.deadline(NOW + timedelta(hours=hours), NOW) == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("hours", [-1, 0, 721])
def test_a_wish_outside_them_is_refused_with_the_bounds(hours: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 720 hours"):
        POLICY.deadline(NOW + timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=7), (6 * 86400, 86400)),
        (timedelta(hours=4), (2 * 3600, 2 * 3600)),
        (timedelta(seconds=-5), (1, 1)),
    ],
)
def test_the_reminder_comes_a_day_before_the_end_or_at_half_time(
    left: timedelta, expected: tuple[int, int]
) -> None:
    assert POLICY.waiting(NOW + left, NOW) == expected


def test_a_policy_whose_default_lies_outside_its_own_bounds_is_refused() -> None:
    with pytest.raises(ValidationError):
        LinkPolicy(deadline_hours=1000)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1900, "usd", "19.00 USD"),
        (5, "eur", "0.05 EUR"),
        (-1050, "gbp", "-10.50 GBP"),
        (1900, "jpy", "1900 JPY"),
        (1900, "kwd", "1.900 KWD"),
    ],
)
def test_amounts_are_written_in_the_units_of_their_currency(amount: int, currency: str, text: str) -> None:
    assert money.text(amount, currency) == text
