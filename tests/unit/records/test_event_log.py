"""The event log and its outbox: no gaps, no forks, nothing published that was not stored, nothing lost.

Row C13 of docs/product.md.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

import pytest

from functions.reporting.publish_events import handler as publish_handler
from tests.fakes.world import World
from usher.domain.account_events import PlanSelected
from usher.domain.errors import StaleWrite, StoreUnavailable
from usher.domain.event import Envelope, Event
from usher.ports.store import Absent, ConditionFailed, Item, Put, StoreRefused, Write
from usher.records.events import Outbox
from usher.usecases.publish_events import publish_events, sweep_outbox

ACCOUNT = "acc_" + "a" * 26


class Measured(Event):
    """An event that a careless hand gave a float."""

    type: ClassVar[str] = "test.measured"
    value: float
    details: dict[str, Any] = {}


def commit(world: World, *plans: str, writes: tuple[Write, ...] = (), account_id: str = ACCOUNT) -> None:
    world.log.commit(
        account_id,
        [PlanSelected(plan=plan) for plan in plans],
        writes,
        correlation_id="cor",
        now=world.clock.now(),
    )


def note(world: World, note_id: str = "mail-1") -> Put:
    return Put("mails", {"mail_id": note_id}, if_=Absent("mail_id"))


def test_events_are_numbered_from_one_without_gaps(world: World) -> None:
    commit(world, "a", "b")
    commit(world, "c")
    log = world.log.read(ACCOUNT)
    assert [event.sequence for event in log] == [1, 2, 3]
    assert [event.payload["plan"] for event in log] == ["a", "b", "c"]
    assert len({event.event_id for event in log}) == 3
    assert log[0] == Envelope(
        event_id="evt_" + "a" * 26 + "_1",
        type="plan.selected",
        version=1,
        timestamp="2025-11-21T12:00:00.000Z",
        account_id=ACCOUNT,
        sequence=1,
        correlation_id="cor",
        payload={"plan": "a"},
        context={},
    )


def test_a_reader_goes_on_behind_what_it_has(world: World) -> None:
    commit(world, *"abcde")
    assert [event.sequence for event in world.log.read(ACCOUNT, after=2, limit=2)] == [3, 4]
    assert world.log.read(ACCOUNT, after=5) == []


def test_accounts_are_numbered_apart(world: World) -> None:
    other = "acc_" + "b" * 26
    commit(world, "a")
    commit(world, "a", account_id=other)
    assert [event.sequence for event in world.log.read(other)] == [1]


def test_events_and_records_are_written_together_or_not_at_all(world: World) -> None:
    commit(world, "a", writes=(note(world),))
    with pytest.raises(ConditionFailed) as caught:
        commit(world, "b", writes=(note(world),))
    assert list(caught.value.failed) == [0]
    assert [event.payload["plan"] for event in world.log.read(ACCOUNT)] == ["a"]
    assert len(world.rows("outbox")) == 1


def test_writes_without_events_leave_no_trace_in_the_log(world: World) -> None:
    commit(world, writes=(note(world),))
    assert world.stored() == {"mails": 1}


def test_ten_writers_at_once_make_one_line(world: World) -> None:
    gate = threading.Barrier(10)

    def writer(number: int) -> None:
        gate.wait()
        for turn in range(3):
            again(partial(commit, world, f"{number}-{turn}", f"{number}-{turn}'"))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(writer, range(10)))
    log = world.log.read(ACCOUNT)
    assert [event.sequence for event in log] == list(range(1, 61))
    plans = [event.payload["plan"] for event in log]
    assert len(set(plans)) == 60
    assert all(second == f"{first}'" for first, second in zip(plans[::2], plans[1::2], strict=True))


def again(do: Callable[[], None]) -> None:
    """What a step's retry does when the log stayed contended."""
    for _ in range(50):
        with contextlib.suppress(StaleWrite):
            return do()
    raise AssertionError("still contended after fifty tries")


def test_a_loser_of_a_race_writes_behind_the_winner(world: World) -> None:
    commit(world, "first")
    world.store.meanwhile("transact", lambda: commit(world, "winner"))
    commit(world, "loser", writes=(note(world),))
    assert [event.payload["plan"] for event in world.log.read(ACCOUNT)] == ["first", "winner", "loser"]


def test_a_new_account_that_exists_already_is_told_from_a_race(world: World) -> None:
    """A writer that believes the account is new finds the log begun, reads its end and goes on."""
    commit(world, "first")
    world.log.commit(
        ACCOUNT,
        [PlanSelected(plan="second")],
        [],
        correlation_id="cor",
        now=world.clock.now(),
        is_new_account=True,
    )
    assert [event.sequence for event in world.log.read(ACCOUNT)] == [1, 2]


@pytest.mark.parametrize(
    "event", [Measured(value=1.5), Measured(value=1, details={"deep": [1.5]})], ids=["flat", "nested"]
)
def test_a_float_is_refused_and_nothing_is_written(world: World, event: Event) -> None:
    with pytest.raises((TypeError, StoreRefused), match="float"):
        world.log.commit(ACCOUNT, [event], [note(world)], correlation_id="cor", now=world.clock.now())
    assert world.stored() == {}


def test_an_outbox_row_names_the_events_of_its_commit(world: World) -> None:
    commit(world, "a")
    commit(world, "b", "c")
    rows = sorted(world.rows("outbox"), key=lambda row: row["first"])
    assert [(row["first"], row["last"]) for row in rows] == [(1, 1), (2, 3)]


# -- publishing ---------------------------------------------------------------------------------------------


def test_what_was_published_leaves_the_outbox(world: World) -> None:
    commit(world, "a", "b")
    commit(world, "c")
    assert publish_handler({"Records": world.stream()}, None) == {"batchItemFailures": []}
    assert [event["payload"]["plan"] for event in world.bus.published] == ["a", "b", "c"]
    assert {"outbox_id", "outbox_last"}.isdisjoint(world.bus.published[0])
    assert world.rows("outbox") == []


def test_nothing_to_publish_asks_nobody(world: World) -> None:
    world.bus.is_down = True
    assert publish_handler({"Records": []}, None) == {"batchItemFailures": []}


def test_what_the_bus_refused_stays_and_is_where_the_next_delivery_begins(world: World) -> None:
    commit(world, "a")
    world.log.commit(ACCOUNT, [Refused()], [], correlation_id="cor", now=world.clock.now())
    commit(world, "c")
    world.bus.refuses.add("test.refused")
    records = world.stream()
    answer = publish_handler({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]}
    assert [row["first"] for row in world.rows("outbox")] == [2]
    world.bus.refuses.clear()
    assert publish_handler({"Records": records[1:]}, None) == {"batchItemFailures": []}
    assert world.rows("outbox") == []


class Refused(Event):
    """An event that a test's bus refuses."""

    type: ClassVar[str] = "test.refused"


def test_a_bus_that_is_down_fails_the_batch_and_keeps_the_outbox(world: World) -> None:
    commit(world, "a")
    world.bus.is_down = True
    with pytest.raises(StoreUnavailable):
        publish_handler({"Records": world.stream()}, None)
    assert len(world.rows("outbox")) == 1


@pytest.mark.parametrize("given_up", [0, 1])
def test_a_commit_whose_part_the_stream_gave_up_is_left_to_the_sweeper(world: World, given_up: int) -> None:
    commit(world, "a", "b", "c")
    outbox = Outbox(world.store)
    publish_events(halves(world)[1 - given_up], bus=world.bus, outbox=outbox)
    assert len(world.rows("outbox")) == 1
    world.bus.published.clear()
    world.clock.advance(61)
    assert sweep_outbox(bus=world.bus, outbox=outbox, clock=world.clock) == 3
    assert [event["payload"]["plan"] for event in world.bus.published] == ["a", "b", "c"]
    assert world.rows("outbox") == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1, 1)])
def test_a_commit_that_two_batches_share_is_done_with_the_last_of_them(
    world: World, order: Sequence[int]
) -> None:
    commit(world, "a", "b", "c")
    outbox = Outbox(world.store)
    for half in order:
        publish_events(halves(world)[half], bus=world.bus, outbox=outbox)
    assert world.rows("outbox") == []


def test_the_stream_is_given_a_real_minute_however_fast_business_time_runs(world: World) -> None:
    commit(world, "a")
    outbox = Outbox(world.store)
    world.clock.advance(3600 * 59)
    assert sweep_outbox(bus=world.bus, outbox=outbox, clock=world.clock, time_scale=3600) == 0
    world.clock.advance(3600 * 2)
    assert sweep_outbox(bus=world.bus, outbox=outbox, clock=world.clock, time_scale=3600) == 1


def test_half_a_commit_that_comes_after_the_sweep_leaves_no_entry_behind(world: World) -> None:
    commit(world, "a", "b", "c")
    outbox = Outbox(world.store)
    world.clock.advance(61)
    sweep_outbox(bus=world.bus, outbox=outbox, clock=world.clock)
    publish_events(halves(world)[0], bus=world.bus, outbox=outbox)
    assert world.rows("outbox") == []


def halves(world: World) -> tuple[list[Item], list[Item]]:
    """What was streamed of a commit of three, as two batches may share it."""
    items = world.streamed_items()
    return items[:2], items[2:]


def test_an_event_that_comes_twice_in_a_batch_does_not_stand_for_another(world: World) -> None:
    commit(world, "a", "b")
    first = world.streamed_items()[0]
    publish_events([first, first], bus=world.bus, outbox=Outbox(world.store))
    assert len(world.rows("outbox")) == 1


def test_publishing_a_whole_commit_costs_one_deletion_and_no_read(world: World) -> None:
    commit(world, "a", "b", "c")
    items = world.streamed_items()
    for operation, skip in (("get", 0), ("query", 0), ("transact", 0), ("write", 1)):
        world.store.fail(operation, skip=skip)
    publish_events(items, bus=world.bus, outbox=Outbox(world.store))
    assert world.rows("outbox") == []


def test_many_commits_are_forgotten_in_one_call(world: World) -> None:
    for name in "abcde":
        commit(world, name)
    for operation, skip in (("transact", 1), ("write", 0)):
        world.store.fail(operation, skip=skip)
    publish_events(world.streamed_items(), bus=world.bus, outbox=Outbox(world.store))
    assert world.rows("outbox") == []


def test_only_insertions_are_published(world: World) -> None:
    commit(world, "a")
    record = world.stream()[0]
    removed = record | {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "9"}}
    publish_handler({"Records": [removed, record]}, None)
    assert len(world.bus.published) == 1
