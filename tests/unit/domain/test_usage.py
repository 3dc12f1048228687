"""Which hour and period usage counts in, and when a limit is told of."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain.usage import Billed, Period, alerts, calendar_month, mark


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Period:
    return Period(at(start), at(end))


JANUARY = span("2026-01-31T09:30:00", "2026-02-28T09:30:00")


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        ("2026-02-01T00:00:00", "2026-01-31T09:30:00", "2026-02-28T09:30:00"),
        ("2026-02-28T09:30:00", "2026-02-28T09:30:00", "2026-03-31T09:30:00"),
        ("2026-03-31T09:30:00", "2026-03-31T09:30:00", "2026-04-30T09:30:00"),
        ("2026-01-31T09:29:59", "2025-12-31T09:30:00", "2026-01-31T09:30:00"),
    ],
)
def test_periods_keep_the_anchor_s_day_through_short_months(moment: str, start: str, end: str) -> None:
    assert Billed(JANUARY).period_of(at(moment)) == span(start, end)


def test_a_period_cut_by_february_still_knows_its_day() -> None:
    february = Billed(span("2026-02-28T09:30:00", "2026-03-31T09:30:00"))
    assert february.period_of(at("2026-04-01T00:00:00")).end == at("2026-04-30T09:30:00")


def test_a_year_s_period_is_a_year() -> None:
    yearly = Billed(span("2024-02-29T00:00:00", "2025-02-28T00:00:00"), "year")
    assert yearly.period_of(at("2028-03-01T00:00:00")) == span("2028-02-29T00:00:00", "2029-02-28T00:00:00")


def test_what_follows_a_trial_begins_at_its_end() -> None:
    trial = Billed(span("2026-01-28T08:00:00", "2026-02-11T08:00:00"), trialing=True)
    assert trial.period_of(at("2026-02-11T08:00:00")) == span("2026-02-11T08:00:00", "2026-03-11T08:00:00")
    before = trial.period_of(at("2026-01-20T08:00:00"))
    assert before.end == at("2026-01-28T08:00:00")


moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
intervals: st.SearchStrategy[Literal["month", "year"]] = st.sampled_from(["month", "year"])


@given(start=moments, days=st.integers(1, 366), interval=intervals, trialing=st.booleans(), moment=moments)
def test_law_every_moment_lies_in_its_period_and_periods_do_not_overlap(
    start: datetime, days: int, interval: Literal["month", "year"], trialing: bool, moment: datetime
) -> None:
    billed = Billed(Period(start, start + timedelta(days=days)), interval, trialing)
    period = billed.period_of(moment)
    assert period.holds(moment)
    assert billed.period_of(period.start) == period
    assert billed.period_of(period.end - timedelta(microseconds=1)) == period
    assert billed.period_of(period.end).start == period.end


def test_an_hour_in_which_a_period_ends_is_two() -> None:
    first, then = (Billed(JANUARY).period_of(at(f"2026-02-28T09:{minute}:00")) for minute in (10, 40))
    assert first.hour_of(at("2026-02-28T09:10:00")) == span("2026-02-28T09:00:00", "2026-02-28T09:30:00")
    assert then.hour_of(at("2026-02-28T09:40:00")) == span("2026-02-28T09:30:00", "2026-02-28T10:00:00")


def test_who_has_no_subscription_is_counted_by_months() -> None:
    assert calendar_month(at("2026-12-31T23:59:59")) == span("2026-12-01T00:00:00", "2027-01-01T00:00:00")


@pytest.mark.parametrize(
    ("total", "most", "told"),
    [
        (79, 100, []),
        (80, 100, ["near"]),
        (99, 100, ["near"]),
        (100, 100, ["near", "reached"]),
        (5, 7, []),
        (6, 7, ["near"]),
        (0, 0, []),
        (1, 0, ["near", "reached"]),
        (1, 1, ["near", "reached"]),
    ],
)
def test_a_limit_is_near_at_four_fifths_and_reached_at_the_whole(
    total: int, most: int, told: list[str]
) -> None:
    assert list(alerts(total=total, most=most, near_percent=80, told=())) == told


def test_an_alert_is_told_once_per_limit() -> None:
    told = [mark("near", 100)]
    assert list(alerts(total=90, most=100, near_percent=80, told=told)) == []
    assert list(alerts(total=90, most=110, near_percent=80, told=told)) == ["near"]
