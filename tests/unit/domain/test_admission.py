"""Rates as integer arithmetic: no window ever holds more calls than its limit, and strain eases off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra import policy_files
from usher.domain.admission import (
    FULL_PACE,
    MOST_STRAIN,
    SECOND,
    Limits,
    Rate,
    Rates,
    strain,
    strained,
    surplus,
)

rates = st.builds(Rate, calls=st.integers(1, 5000), seconds=st.integers(1, 60), burst=st.integers(0, 20))
arrivals = st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60)


@given(rate=rates, gaps=arrivals)
def test_law_no_window_holds_more_calls_than_the_rate_and_its_burst(rate: Rate, gaps: list[int]) -> None:
    """Callers come after these gaps and go when their slot, less the tolerance, has come."""
    now, line, gone = 0, 0, []
    for gap in gaps:
        now += gap
        slot = max(line, now)
        line = slot + rate.interval
        gone.append(max(now, slot - rate.tolerance))
    window = rate.seconds * SECOND
    for moment in gone:
        assert sum(moment <= other < moment + window for other in gone) <= rate.calls + rate.burst + 1


@given(rate=rates)
def test_law_an_interval_never_makes_the_rate_higher_than_it_says(rate: Rate) -> None:
    assert rate.interval * rate.calls >= rate.seconds * SECOND
    assert (rate.interval - 1) * rate.calls < rate.seconds * SECOND


@given(rate=rates, percent=st.integers(1, 99))
def test_law_the_shares_of_both_lanes_make_no_more_than_the_whole(rate: Rate, percent: int) -> None:
    shares = Rates(reserved_percent=percent)
    both = [SECOND / shares.lane_interval(rate, lane) for lane in ("main", "reserved")]
    assert sum(both) <= SECOND / rate.interval * 1.000001


@given(
    told=st.integers(FULL_PACE, MOST_STRAIN), at=st.integers(0, 10**15), passed=st.integers(-SECOND, 10**10)
)
def test_law_strain_eases_and_ends_at_full_pace(told: int, at: int, passed: int) -> None:
    left = strain(told, at, at + passed)
    assert FULL_PACE <= left <= told
    assert strain(told, at, at + passed + SECOND) <= left
    assert strain(told, at, at + 400 * SECOND) == FULL_PACE


@given(st.integers(FULL_PACE, MOST_STRAIN))
def test_law_each_refusal_slows_down_but_never_to_a_stop(present: int) -> None:
    assert present < strained(present) or strained(present) == MOST_STRAIN
    assert strained(present) <= MOST_STRAIN


def test_at_full_pace_nothing_is_surplus_and_at_twice_the_strain_one_interval_is() -> None:
    assert (surplus(40_000, 100), surplus(40_000, 125), surplus(40_000, 200)) == (0, 10_000, 40_000)


def rate_of(found: Rates, bucket: str) -> Rate:
    rate = found.of(bucket)
    assert rate is not None
    return rate


def test_an_endpoint_without_a_rate_of_its_own_has_that_of_all_endpoints_of_its_vendor() -> None:
    found = Rates(
        buckets={"stripe:*": Rate(calls=25), "stripe:search": Rate(calls=20), "stripe": Rate(calls=100)}
    )
    assert [rate_of(found, name).calls for name in ("stripe:customers", "stripe:search", "stripe")] == [
        25,
        20,
        100,
    ]
    assert found.of("hubspot") is None


def test_the_rates_of_a_deployment_stay_within_what_the_vendors_document() -> None:
    """Stripe 100 a second in all and 25 for each endpoint, HubSpot 190 in ten seconds (read 2026-11)."""
    deployed = Limits.model_validate(policy_files.load("limits")).of("prod")
    documented = {"stripe": (100, 1), "stripe:customers": (25, 1), "hubspot": (190, 10)}
    for bucket, (calls, seconds) in documented.items():
        rate = rate_of(deployed, bucket)
        assert rate.calls * seconds // rate.seconds + rate.burst + 1 <= calls
    assert deployed.of("signups") is None


def test_on_one_machine_only_sign_ups_are_limited_to_a_hundred_a_second() -> None:
    local = Limits.model_validate(policy_files.load("limits")).of("local")
    assert rate_of(local, "signups").interval == SECOND // 100
    assert [local.of(bucket) for bucket in ("stripe", "stripe:customers", "hubspot", "postmark")] == [
        None
    ] * 4


@pytest.mark.parametrize("wrong", [{"calls": 0}, {"calls": 5, "seconds": 0}, {"calls": 5, "per": 1}])
def test_a_rate_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Rate.model_validate(wrong)
