"""Lifecycle stages: they move forward, and a person's own choice stays."""

import pytest

from usher.domain.lifecycle import STAGES, furthest


def test_an_account_without_a_stage_gets_the_wanted_one() -> None:
    assert furthest(None, "customer") == furthest("", "customer") == "customer"


def test_a_lead_becomes_a_customer_and_an_evangelist_stays_one() -> None:
    assert furthest("lead", "customer") == "customer"
    assert furthest("evangelist", "customer") == "evangelist"


@pytest.mark.parametrize("own", ["other", "123456"])
def test_a_stage_outside_the_order_is_kept(own: str) -> None:
    assert furthest(own, "customer") == own
    assert furthest("lead", own) == "lead"


@pytest.mark.parametrize("current", STAGES)
@pytest.mark.parametrize("wanted", STAGES)
def test_law_no_stage_is_ever_lost(current: str, wanted: str) -> None:
    kept = furthest(current, wanted)
    assert STAGES.index(kept) >= STAGES.index(current)
    assert furthest(kept, wanted) == kept
