"""What every Clock promises, on AWS and on one machine."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.clock import LocalClock
from infra.local.manual_clock import ManualClock
from usher.adapters.system_clock import SystemClock
from usher.ports.clock import Clock


@pytest.fixture(params=[SystemClock, LocalClock, ManualClock])
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    made = request.param()
    yield made
    if hasattr(made, "close"):
        made.close()


def test_both_times_are_utc_and_do_not_run_backwards(clock: Clock) -> None:
    for read in (clock.now, clock.wall):
        readings = [read() for _ in range(100)]
        assert all(reading.tzinfo is UTC for reading in readings)
        assert readings == sorted(readings)


@pytest.mark.parametrize("make", [SystemClock, LocalClock])
def test_wall_time_is_the_machines(make: type[Clock]) -> None:
    before = time.time()
    wall = make().wall().timestamp()
    assert before - 1 <= wall <= time.time() + 1


def test_on_aws_business_time_is_wall_time() -> None:
    clock = SystemClock()
    before, now, after = clock.wall(), clock.now(), clock.wall()
    assert before <= now <= after


def test_on_one_machine_business_time_may_lie_elsewhere() -> None:
    start = datetime(2031, 1, 1, tzinfo=UTC)
    clock = LocalClock(started_at=start)
    assert start <= clock.now() < start + timedelta(hours=1)
    assert clock.wall() != clock.now()
    clock.close()
