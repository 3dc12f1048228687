"""Buckets in the store: slots in line and at once, shared by many who take at the same time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from infra import catalog
from infra.local.database import opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.fakes.platform import FaultyStore
from usher.domain.admission import SECOND, Lane, Rate, Rates
from usher.domain.errors import VendorUnavailable
from usher.ports.store import Update
from usher.records.buckets import Buckets

TEN = Rates(reserved_percent=20, buckets={"vendor": Rate(calls=10), "wide": Rate(calls=100, burst=2)})
TENTH = SECOND // 10


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[FaultyStore]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        yield FaultyStore(SqliteStore(database, catalog.TABLES, clock))


@pytest.fixture
def buckets(store: FaultyStore, clock: ManualClock) -> Buckets:
    return Buckets(store, TEN, clock)


def due(buckets: Buckets, places: list[int], bucket: str = "vendor") -> list[int]:
    """When the owners of these places may go, in microseconds from now; 0 is now or before."""
    row = buckets.row(bucket)
    return [max(0, buckets.due(bucket, place, row) - buckets.now()) for place in places]


# -- the line ------------------------------------------------------------------------------------------------


def test_slots_follow_each_other_an_interval_apart_and_the_first_is_now(buckets: Buckets) -> None:
    places, _ = buckets.book("vendor", 1, 3)
    more, _ = buckets.book("vendor", 1, 2)
    assert due(buckets, places + more) == [0, TENTH, 2 * TENTH, 3 * TENTH, 4 * TENTH]


def test_several_calls_of_one_sign_up_take_as_many_slots(buckets: Buckets) -> None:
    places, _ = buckets.book("vendor", 2, 2)
    assert due(buckets, places) == [0, 2 * TENTH]


def test_a_line_that_was_idle_begins_now_and_saves_nothing_up(buckets: Buckets, clock: ManualClock) -> None:
    buckets.book("vendor", 1, 1)
    clock.advance(60)
    places, _ = buckets.book("vendor", 1, 2)
    assert due(buckets, places) == [0, TENTH]


def test_a_burst_may_go_ahead_of_its_slots(buckets: Buckets) -> None:
    places, _ = buckets.book("wide", 1, 4)
    assert due(buckets, places, "wide") == [0, 0, 0, SECOND // 100]


def test_booking_is_one_write_whether_idle_or_busy(
    buckets: Buckets, store: FaultyStore, clock: ManualClock
) -> None:
    for pause in (0, 0, 60, 60, 0):
        clock.advance(pause)
        store.fail("write", skip=1)  # a second write would meet this
        buckets.book("vendor", 1, 1)
        store.faults.clear()


def test_many_dispatchers_at_once_get_slots_of_their_own(store: FaultyStore, clock: ManualClock) -> None:
    """Eight of them, each with its own idea of the bucket: nobody fails, no slot is given twice."""
    start = threading.Barrier(8)

    def dispatcher(_: int) -> list[int]:
        mine = Buckets(store, TEN, clock)
        start.wait()
        return [place for _ in range(25) for place in mine.book("vendor", 1, 2)[0]]

    with ThreadPoolExecutor(8) as pool:
        places = sorted(place for taken in pool.map(dispatcher, range(8)) for place in taken)
    assert [later - earlier for earlier, later in zip(places, places[1:], strict=False)] == [TENTH] * 399


def test_somebody_who_was_faster_at_an_idle_bucket_is_queued_behind(
    buckets: Buckets, store: FaultyStore, clock: ManualClock
) -> None:
    other = Buckets(store.inner, TEN, clock)
    store.meanwhile("write", lambda: other.book("vendor", 1, 3))
    places, _ = buckets.book("vendor", 1, 1)
    assert due(buckets, places) == [3 * TENTH]


# -- the lanes -----------------------------------------------------------------------------------------------


def test_a_call_at_once_goes_before_the_line_and_pushes_it_back_by_its_slot(buckets: Buckets) -> None:
    booked, _ = buckets.book("vendor", 1, 3)
    assert buckets.pass_line("vendor", "main") == 0.0
    assert buckets.pass_line("vendor", "reserved") == 0.0
    assert due(buckets, booked) == [2 * TENTH, 3 * TENTH, 4 * TENTH]
    later, _ = buckets.book("vendor", 1, 1)
    assert due(buckets, later) == [5 * TENTH]


def test_each_lane_is_paced_by_its_own_share(buckets: Buckets) -> None:
    waits = [buckets.pass_line("vendor", "reserved") for _ in range(3)]
    assert waits == [0.0, 0.5, 1.0]  # a fifth of ten a second
    waits = [buckets.pass_line("vendor", "main") for _ in range(3)]
    assert waits == [0.0, 0.125, 0.25]


def test_the_reserved_lane_does_not_feel_a_line_of_an_hour_nor_a_busy_main_lane(buckets: Buckets) -> None:
    buckets.book("vendor", 1, 36_000)
    for _ in range(8):
        buckets.pass_line("vendor", "main")
    assert buckets.pass_line("vendor", "reserved") == 0.0


def test_a_call_whose_slot_lies_too_far_ahead_is_told_when_and_takes_nothing(buckets: Buckets) -> None:
    for _ in range(3):
        buckets.pass_line("vendor", "reserved")
    before = buckets.row("vendor")
    with pytest.raises(VendorUnavailable, match=r"vendor: the next slot is 1\.5 s ahead") as caught:
        buckets.pass_line("vendor", "reserved")
    assert caught.value.retry_after == 1.5
    assert not caught.value.outcome_unknown
    assert buckets.row("vendor") == before


def test_what_nobody_reserved_uses_is_the_line_s(buckets: Buckets) -> None:
    """The line runs at the whole rate, not at four fifths: a reserve that is not used costs nothing."""
    places, _ = buckets.book("vendor", 1, 101)
    assert due(buckets, places)[-1] == 10 * SECOND


# -- what the vendor says ------------------------------------------------------------------------------------


def test_a_refusal_closes_the_bucket_for_as_long_as_the_vendor_asks(
    buckets: Buckets, clock: ManualClock
) -> None:
    booked, _ = buckets.book("vendor", 1, 2)
    buckets.refused("vendor", retry_after=30)
    assert due(buckets, booked) == [30 * SECOND, 30 * SECOND + TENTH]
    for lane in ("main", "reserved"):
        with pytest.raises(VendorUnavailable) as caught:
            buckets.pass_line("vendor", lane)
        assert caught.value.retry_after == 30
    clock.advance(31)
    assert buckets.pass_line("vendor", "reserved") < 1


def test_sign_ups_that_come_while_it_is_closed_go_one_by_one_afterwards(buckets: Buckets) -> None:
    buckets.refused("vendor", retry_after=30)
    places, _ = buckets.book("vendor", 1, 2)
    assert due(buckets, places) == [30 * SECOND, 30 * SECOND + TENTH]


def test_no_vendor_can_close_a_bucket_for_more_than_a_minute(buckets: Buckets) -> None:
    buckets.refused("vendor", retry_after=86_400)
    places, _ = buckets.book("vendor", 1, 1)
    assert due(buckets, places) == [60 * SECOND]


def test_many_refusals_in_one_second_cut_the_pace_once(buckets: Buckets, clock: ManualClock) -> None:
    for _ in range(20):
        buckets.refused("vendor", retry_after=None)
    assert buckets.row("vendor")["strain"] == 125
    clock.advance(1)
    buckets.refused("vendor", retry_after=None)
    assert buckets.row("vendor")["strain"] == 154  # 123, one second eased, times 5/4


def test_under_strain_each_call_takes_up_more_and_pushes_back_what_was_booked(buckets: Buckets) -> None:
    booked, _ = buckets.book("vendor", 1, 10)
    buckets.refused("vendor", retry_after=None)
    buckets.goes("vendor", 1, buckets.row("vendor"))
    assert due(buckets, booked[1:2]) == [TENTH + TENTH // 4]


def test_the_pace_recovers_by_itself(buckets: Buckets, clock: ManualClock) -> None:
    buckets.refused("vendor", retry_after=None)
    clock.advance(13)
    before = buckets.row("vendor")
    buckets.goes("vendor", 5, before)
    assert buckets.row("vendor") == before


def test_two_who_are_refused_together_say_it_once(
    buckets: Buckets, store: FaultyStore, clock: ManualClock
) -> None:
    other = Buckets(store.inner, TEN, clock)
    store.meanwhile("write", lambda: other.refused("vendor", retry_after=10))
    buckets.refused("vendor", retry_after=10)
    row = buckets.row("vendor")
    assert (row["strain"], row["held"]) == (125, 10 * SECOND)


def test_a_row_that_somebody_keeps_changing_is_taken_from_all_the_same(
    buckets: Buckets, store: FaultyStore, clock: ManualClock
) -> None:
    """Others whose clocks run behind set the line back each time: in the end it is simply added to."""
    for number in range(8):
        behind = Update("buckets", {"bucket": "vendor"}, set={"line": buckets.now() - 1000 - number})
        store.meanwhile("write", partial(store.inner.write, behind))
    places, _ = buckets.book("vendor", 1, 1)
    assert due(buckets, places) == [0]


# -- the background ------------------------------------------------------------------------------------------


def test_the_background_takes_a_quarter_of_what_nobody_wants(buckets: Buckets) -> None:
    waits = [buckets.pass_line("vendor", "background") for _ in range(3)]
    assert waits == pytest.approx([0, 0.4, 0.8])
    with pytest.raises(VendorUnavailable):  # more than a second ahead
        buckets.pass_line("vendor", "background")


def test_the_background_gives_way_to_a_line_and_changes_nothing_in_it(buckets: Buckets) -> None:
    places, _ = buckets.book("vendor", 1, 20)
    before, row = due(buckets, places), buckets.row("vendor")
    with pytest.raises(VendorUnavailable) as caught:
        buckets.pass_line("vendor", "background")
    assert caught.value.retry_after == pytest.approx(1.6)  # when the line is four slots long
    assert (due(buckets, places), buckets.row("vendor")) == (before, row)


def test_the_background_waits_until_a_refusal_is_not_felt_any_more(
    buckets: Buckets, clock: ManualClock
) -> None:
    buckets.refused("vendor", retry_after=None)
    with pytest.raises(VendorUnavailable):
        buckets.pass_line("vendor", "background")
    clock.advance(13)
    assert buckets.pass_line("vendor", "background") == 0


LANES: tuple[Lane, ...] = ("main", "reserved")


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("every", [1, 3, 12])
def test_live_calls_wait_as_long_as_with_nobody_in_the_background(
    store: FaultyStore, clock: ManualClock, lane: Lane, every: int
) -> None:
    """Live calls every so many twentieths of a second, for half a minute; others try at each of them."""
    alone, _ = played(Buckets(store, TEN, clock), clock, lane, every, others=0)
    clock.advance(60)
    beside, done = played(Buckets(store, TEN, clock), clock, lane, every, others=4)
    assert beside == pytest.approx(alone, abs=1e-4)
    assert every < 12 or done > 20  # and what nobody wants is used


def played(
    buckets: Buckets, clock: ManualClock, lane: Lane, every: int, *, others: int
) -> tuple[list[float], int]:
    """The waits of the live calls, and how many others were let through."""
    waits, done = [], 0
    for tick in range(600):
        if tick % every == 0:
            waits.append(wait(buckets, lane))
        done += sum(wait(buckets, "background") <= 1 for _ in range(others))
        clock.advance(0.05)
    return waits, done


def wait(buckets: Buckets, lane: Lane) -> float:
    """For the slot; who is turned away waits as long as it is told, and more than a second."""
    try:
        return buckets.pass_line("vendor", lane)
    except VendorUnavailable as error:
        return max(1.001, error.retry_after or 0)


def test_a_sign_up_is_held_up_by_a_few_slots_at_most(store: FaultyStore, clock: ManualClock) -> None:
    """The line goes at seven tenths of the rate; the background takes what is left, and stops at four."""
    buckets, late = Buckets(store, TEN, clock), []
    for tick in range(600):
        if tick % 3 == 0:
            places, _ = buckets.book("vendor", 1, 1)
            late.append(due(buckets, places)[0])
        for _ in range(4):
            wait(buckets, "background")
        clock.advance(0.05)
    assert max(late) <= 5 * TENTH
