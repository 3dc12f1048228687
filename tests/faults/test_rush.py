"""Scenario 29: sign-ups come faster than vendors may be called; time is simulated, limits are enforced."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.load import percentile
from benchmarks.simulation import Rush, rush
from usher.bootstrap.observe import logger

PER_HOUR = 100_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A rush would log tens of thousands of lines."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


def held(folder: Path, count: int, within: timedelta, **stripe: int) -> Rush:
    return rush(
        folder, count, within=within, idle=timedelta(minutes=3), give_up=timedelta(hours=3), stripe=stripe
    )


def check(outcome: Rush, count: int) -> None:
    """Nothing is lost, hardly anything refused, and dunning does not feel it."""
    assert (outcome.whole, outcome.turned_away) == (count, {})
    assert outcome.refused("stripe") < 0.01
    assert outcome.refused("hubspot") == outcome.refused("postmark") == 0
    assert percentile(outcome.loaded, 0.95) <= percentile(outcome.idle, 0.95) + 0.1
    per_signup = {
        vendor: sum(number for (of, _), number in outcome.calls.items() if of == vendor) / count
        for vendor in ("stripe", "hubspot", "postmark")
    }
    assert per_signup["stripe"] <= 4
    assert per_signup["hubspot"] <= 0.15
    assert per_signup["postmark"] <= 0.05


def test_three_hundred_at_once_are_started_as_fast_as_stripe_allows(tmp_path: Path) -> None:
    outcome = held(tmp_path, 300, timedelta(seconds=3))
    check(outcome, 300)
    assert 300 / 25 / 60 <= outcome.drained <= 300 / 20 / 60 + 0.25  # the collectors' five seconds, twice


@pytest.mark.long
def test_two_thousand_at_the_pace_of_a_hundred_thousand_an_hour(tmp_path: Path) -> None:
    within = timedelta(hours=2000 / PER_HOUR)
    outcome = held(tmp_path, 2000, within)
    check(outcome, 2000)
    assert timedelta(minutes=outcome.drained) <= within * 1.25 + timedelta(seconds=10)


@pytest.mark.long
def test_a_limit_that_is_half_of_what_we_think_is_found_by_its_refusals(tmp_path: Path) -> None:
    """Somebody else calls Stripe by our account: the pace is cut until refusals are few; none is lost."""
    outcome = held(tmp_path, 600, timedelta(seconds=20), limit_endpoint=12)
    assert outcome.whole == 600
    assert 0 < outcome.refused("stripe") < 0.1
    assert outcome.drained <= 2 * 600 / 12 / 60
    assert percentile(outcome.loaded, 0.95) <= 2
