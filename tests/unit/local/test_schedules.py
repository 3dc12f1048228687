"""When schedules fire: on the beat, once for what was missed, once at a time."""

import threading
from collections.abc import Callable
from typing import Any

from infra.catalog import Schedule
from infra.local.queues import LocalQueue
from infra.local.schedules import Schedules
from tests.unit.local.conftest import Runtime

SWEEP = Schedule("sweep", "a test's", 5, "room/sweep")


def no_error(event: Any) -> None:
    return None


class Wired:
    """One schedule; `events` is what its function got."""

    def __init__(self, runtime: Runtime, act: Callable[[Any], Any] = no_error) -> None:
        self.runtime = runtime
        self.events: list[dict[str, Any]] = []

        def sweep(event: dict[str, Any], context: Any) -> None:
            self.events.append(event)
            act(event)

        functions = runtime.functions(sweep=sweep)
        self.queue = LocalQueue(runtime.database, (), runtime.clock, dead_letter_queues=(SWEEP.dead_letters,))
        self.schedules = Schedules(
            (SWEEP,), runtime.database, functions, self.queue, runtime.pool, runtime.clock
        )

    def start(self) -> None:
        for lane in self.schedules.lanes:
            lane.start()
        self.schedules.start()
        self.runtime.settle()


def test_it_fires_on_whole_multiples_of_its_period(runtime: Runtime) -> None:
    runtime.manual.advance(60)
    wired = Wired(runtime)
    wired.start()
    runtime.advance(239)
    assert wired.events == []
    runtime.advance(1)
    runtime.advance(300)
    assert [event["time"] for event in wired.events] == ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"]
    event = wired.events[0]
    assert (event["detail-type"], event["resources"]) == (
        "Scheduled Event",
        ["arn:aws:scheduler:local:000000000000:schedule/usher/sweep"],
    )


def test_what_was_missed_while_nothing_ran_fires_once_at_the_start(runtime: Runtime) -> None:
    first = Wired(runtime)
    first.start()
    runtime.advance(300)
    first.schedules.stop()
    runtime.advance(3600)
    second = Wired(runtime)
    second.start()
    assert (len(first.events), len(second.events)) == (1, 1)
    runtime.advance(300)
    assert len(second.events) == 2


def test_a_restart_inside_a_period_fires_nothing_extra(runtime: Runtime) -> None:
    first = Wired(runtime)
    first.start()
    runtime.advance(310)
    first.schedules.stop()
    second = Wired(runtime)
    second.start()
    assert second.events == []


def test_a_call_still_running_is_followed_by_one_call(runtime: Runtime) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(event: Any) -> None:
        entered.set()
        leave.wait(10)

    wired = Wired(runtime, hold)
    wired.start()
    runtime.manual.advance(300)
    entered.wait(10)
    runtime.manual.advance(900)
    assert len(wired.events) == 1
    leave.set()
    runtime.settle()
    assert len(wired.events) == 2


def test_a_function_that_keeps_failing_leaves_a_dead_letter(runtime: Runtime) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError("a bug")

    wired = Wired(runtime, fail)
    wired.start()
    runtime.advance(300)
    assert len(wired.events) == 3
    assert len(wired.queue.dead_letters(SWEEP.dead_letters)) == 1
