"""Billing periods count from their anchor."""

from datetime import UTC, datetime

import pytest

from infra.local.stand_ins.stripe.periods import after, period_at


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("anchor", "interval", "count", "moment"),
    [
        ("2026-01-31", "month", 1, "2026-02-28"),
        ("2026-01-31", "month", 2, "2026-03-31"),
        ("2028-01-31", "month", 1, "2028-02-29"),
        ("2028-02-29", "year", 1, "2029-02-28"),
        ("2028-02-29", "year", 4, "2032-02-29"),
        ("2026-12-15", "month", 1, "2027-01-15"),
        ("2026-03-28", "week", 1, "2026-04-04"),
        ("2026-03-28", "day", 3, "2026-03-31"),
    ],
)
def test_months_keep_the_anchors_day_where_it_exists(
    anchor: str, interval: str, count: int, moment: str
) -> None:
    assert after(at(anchor), interval, count) == at(moment)


def test_a_period_holds_its_start_and_not_its_end() -> None:
    anchor = at("2026-01-31")
    assert period_at(anchor, "month", 1, at("2026-02-28")) == (at("2026-02-28"), at("2026-03-31"))
    assert period_at(anchor, "month", 1, at("2026-02-28") - 1) == (anchor, at("2026-02-28"))
