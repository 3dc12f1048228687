"""Usage told early, before a plan changes: all of it, once, and no change waits for what is never taken."""

from datetime import timedelta

import pytest

from tests.fakes.meters import RecordingMeters
from tests.fakes.usage import ACCOUNT, count_all, given_account, tell, used
from tests.fakes.world import NOON, World
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.domain.metering import Metered
from usher.domain.usage import UsagePolicy
from usher.records.subscribers import Subscribers
from usher.records.usage_hours import UsageHours
from usher.usecases.flush_usage import UsageFlush


@pytest.fixture
def meters() -> RecordingMeters:
    return RecordingMeters()


@pytest.fixture
def desk(world: World, meters: RecordingMeters) -> UsageFlush:
    """An account on a plan that bills API calls: 5 were used in the hour before, 2 in the one that runs."""
    plan = world.plans.plans["starter-monthly"].model_copy(
        update={"metered": {"api_calls": Metered(amount_minor=1, per=10)}}
    )
    plans = world.plans.model_copy(update={"plans": {**world.plans.plans, "starter-monthly": plan}})
    given_account(world)
    world.clock.advance(600)
    assert tell(used("a", 5), used("b", 2, ago=-timedelta(minutes=8)))[0] == 202
    count_all(world)
    return UsageFlush(
        hours=UsageHours(world.store, world.log),
        subscribers=Subscribers(world.store),
        meters=meters,
        plans=plans,
        policy=UsagePolicy(),
        clock=world.clock,
    )


def test_all_that_was_used_so_far_is_told_as_used_before_this_moment(
    world: World, desk: UsageFlush, meters: RecordingMeters
) -> None:
    assert desk.flush(ACCOUNT) == 2
    assert sorted(event.quantity for event in meters.events) == [2, 5]
    assert all(event.at < world.clock.now() for event in meters.events)
    assert desk.flush(ACCOUNT) == 0
    assert len(meters.calls) == 2


def test_what_comes_for_an_hour_that_was_told_early_is_told_as_used_after_that(
    world: World, desk: UsageFlush, meters: RecordingMeters
) -> None:
    desk.flush(ACCOUNT)
    changed_at = world.clock.now() + timedelta(seconds=20)
    world.clock.advance(7200)
    assert tell(used("c", 3, ago=-timedelta(minutes=30)))[0] == 202
    count_all(world)
    assert desk.flush(ACCOUNT) == 1
    (later,) = [event for event in meters.events if event.quantity == 3]
    assert changed_at < later.at < NOON + timedelta(hours=1)


def test_a_lost_answer_is_told_again_word_for_word(
    world: World, desk: UsageFlush, meters: RecordingMeters
) -> None:
    meters.lost_answers = [VendorUnavailable("no answer", outcome_unknown=True)]
    with pytest.raises(VendorUnavailable):
        desk.flush(ACCOUNT)
    world.clock.advance(30)
    desk.flush(ACCOUNT)
    assert sorted(event.quantity for event in meters.events) == [2, 5]


def test_what_the_vendor_never_takes_holds_up_nobody(desk: UsageFlush, meters: RecordingMeters) -> None:
    meters.errors = [VendorRejected("no such meter", code="resource_missing", status=404)]
    assert desk.flush(ACCOUNT) == 2
    assert len(meters.events) == 1


def test_usage_that_comes_this_moment_is_told_too(
    world: World, desk: UsageFlush, meters: RecordingMeters
) -> None:
    def more() -> None:
        assert tell(used("d", 10, ago=-timedelta(minutes=9)))[0] == 202
        count_all(world)

    world.store.meanwhile("write", more)
    desk.flush(ACCOUNT)
    assert sum(event.quantity for event in meters.events) == 17


def test_a_plan_that_bills_no_usage_asks_nothing(
    world: World, desk: UsageFlush, meters: RecordingMeters
) -> None:
    given_account(world, "acc_bob", plan="pro-monthly")
    assert (desk.flush("acc_bob"), desk.flush("acc_nobody"), meters.calls) == (0, 0, [])
