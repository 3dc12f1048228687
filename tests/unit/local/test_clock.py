"""The clock of a local run: business time and wall time, timers, skipping, and time across restarts."""

import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.clock import LocalClock
from infra.local.manual_clock import ManualClock

START = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def skipping() -> Iterator[LocalClock]:
    clock = LocalClock(skipping=True, started_at=START)
    yield clock
    clock.close()


def test_business_time_runs_n_times_faster_and_wall_time_does_not() -> None:
    clock = LocalClock(scale=86_400, started_at=START)
    wall, business = clock.wall(), clock.now()
    while clock.wall() - wall < timedelta(milliseconds=5):
        pass
    assert clock.now() - business > timedelta(minutes=7)
    assert clock.wall() - wall < timedelta(seconds=30)


def test_both_times_are_utc() -> None:
    clock = LocalClock()
    assert clock.now().utcoffset() == clock.wall().utcoffset() == timedelta(0)
    assert abs(clock.now() - clock.wall()) < timedelta(seconds=1)


def test_a_saved_offset_keeps_time_from_running_backwards() -> None:
    first = LocalClock(started_at=START + 1000 * DAY)
    ended = first.now()
    second = LocalClock(offset=first.offset())
    assert timedelta(0) <= second.now() - ended < timedelta(seconds=30)


def test_a_scale_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        LocalClock(scale=0)


def test_skipping_jumps_from_deadline_to_deadline(skipping: LocalClock) -> None:
    rung: queue.SimpleQueue[datetime] = queue.SimpleQueue()

    def first() -> None:
        rung.put(skipping.now())
        skipping.call_at(skipping.now() + 300 * DAY, lambda: rung.put(skipping.now()))

    skipping.call_at(START + 30 * DAY, first)
    assert rung.get(timeout=20) - START - 30 * DAY < timedelta(seconds=30)
    assert rung.get(timeout=20) - START - 330 * DAY < timedelta(seconds=60)


def test_a_deadline_that_is_further_off_than_may_be_skipped_is_lived_up_to(skipping: LocalClock) -> None:
    rung: queue.Queue[str] = queue.Queue()
    skipping.skip_at_most(600)
    skipping.call_at(START + timedelta(minutes=5), lambda: rung.put("back-off"))
    skipping.call_at(START + DAY, lambda: rung.put("deadline"))
    assert rung.get(timeout=10) == "back-off"
    while not skipping.rests():
        pass
    assert skipping.now() < START + timedelta(hours=1)
    skipping.skip_at_most(float("inf"))
    assert rung.get(timeout=10) == "deadline"


def test_nothing_is_skipped_while_something_is_busy(skipping: LocalClock) -> None:
    rung: queue.SimpleQueue[str] = queue.SimpleQueue()
    with skipping.busy():
        skipping.call_at(START + DAY, lambda: rung.put("deadline"))
        skipping.call_after_wall(0.02, lambda: rung.put("wall"))
        assert rung.get(timeout=20) == "wall"
        assert rung.empty()
    assert rung.get(timeout=20) == "deadline"


def test_a_deadline_in_the_past_rings_at_once() -> None:
    clock = LocalClock(started_at=START)
    rung: queue.SimpleQueue[None] = queue.SimpleQueue()
    clock.call_at(START - DAY, lambda: rung.put(None))
    rung.get(timeout=20)
    clock.close()


def test_wall_timers_ignore_the_scale() -> None:
    clock = LocalClock(scale=1e6, started_at=START)
    rung: queue.SimpleQueue[str] = queue.SimpleQueue()
    clock.call_after_wall(0.2, lambda: rung.put("a function's time"))
    clock.call_at(START + timedelta(hours=10), lambda: rung.put("business"))
    assert rung.get(timeout=20) == "business"
    assert rung.get(timeout=20) == "a function's time"
    clock.close()


def test_a_cancelled_timer_does_not_ring(skipping: LocalClock) -> None:
    rung: queue.SimpleQueue[str] = queue.SimpleQueue()
    with skipping.busy():
        skipping.call_at(START + DAY, lambda: rung.put("cancelled")).cancel()
        skipping.call_at(START + 2 * DAY, lambda: rung.put("kept"))
    assert rung.get(timeout=20) == "kept"
    assert rung.empty()


def test_a_closed_clock_rings_no_more() -> None:
    clock = LocalClock(started_at=START)
    clock.close()
    assert clock.call_at(START - DAY, lambda: None).cancelled


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(START)
    rung: list[tuple[str, datetime]] = []
    clock.call_at(START + 2 * DAY, lambda: rung.append(("second", clock.now())))
    clock.call_at(START + DAY, lambda: rung.append(("first", clock.now())))
    clock.call_after_wall(60, lambda: rung.append(("minute", clock.now())))
    assert clock.now() == clock.wall() == START
    assert clock.next_due() == START + timedelta(minutes=1)
    clock.advance_to(START + 3 * DAY)
    assert rung == [
        ("minute", START + timedelta(minutes=1)),
        ("first", START + DAY),
        ("second", START + 2 * DAY),
    ]
    assert clock.now() == START + 3 * DAY
    assert clock.next_due() is None


def test_timers_set_while_time_is_moved_ring_on_the_way() -> None:
    clock = ManualClock(START)
    days: list[int] = []

    def every_day() -> None:
        days.append((clock.now() - START).days)
        clock.call_at(clock.now() + DAY, every_day)

    clock.call_at(START + DAY, every_day)
    clock.advance(5 * 86_400)
    assert days == [1, 2, 3, 4, 5]


def test_a_manual_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock(START).advance_to(START - DAY)


def test_settle_waits_for_what_is_busy() -> None:
    clock = ManualClock(START)
    clock.settle()
    with clock.busy(), pytest.raises(TimeoutError, match="1 pieces"):
        clock.settle(timeout=0.01)
    clock.settle()
