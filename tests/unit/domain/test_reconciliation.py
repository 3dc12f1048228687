"""Two lists of the same objects: whatever was planted is found, on whatever pages it comes."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain import times
from usher.domain.reconciliation import SAFE, Difference, ObjectKind, Side, difference, side
from usher.domain.reconciliation_pages import join, slices
from usher.domain.reconciliation_policy import ReconciliationPolicy, exceeds

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def one(number: int = 1, second: int = 0, **changed: Any) -> Side:
    values: dict[str, Any] = {
        "object_id": f"in_{number}",
        "created_at": times.text(NOON + timedelta(seconds=second)),
        "status": "paid",
        "customer_id": "cus_1",
        "currency": "usd",
        "amounts": {"amount_due_minor": 1900, "amount_paid_minor": 1900},
    }
    return Side(**(values | changed))


@pytest.mark.parametrize(
    "there, here, kind, fields",
    [
        (one(), None, "missing_local", ()),
        (None, one(), "missing_remote", ()),
        (one(), one(status="open"), "status", ("status",)),
        (one(), one(amounts={"amount_due_minor": 1}), "amount", ("amount_due_minor",)),
        (one(), one(currency="eur"), "currency", ("currency",)),
        (one(), one(customer_id="cus_2"), "customer", ("customer_id",)),
        (one(terms={"plan": "pro"}), one(terms={"plan": "free"}), "terms", ("plan",)),
        (one(), one(status="open", currency="eur"), "currency", ("currency", "status")),
    ],
)
def test_a_difference_has_its_gravest_kind_and_all_its_fields(
    there: Side | None, here: Side | None, kind: str, fields: tuple[str, ...]
) -> None:
    found = difference(there, here)
    assert found is not None
    assert (found.kind, found.fields) == (kind, fields)


@pytest.mark.parametrize("kind", ["missing_remote", "unknown_account", "customer", "currency"])
def test_what_no_fetch_settles_waits_for_a_person(kind: Any) -> None:
    assert not Difference(kind=kind, there=one(), here=one()).is_safe
    assert kind not in SAFE


def test_what_a_side_does_not_know_contradicts_nothing() -> None:
    assert difference(one(customer_id=None, currency=None, amounts={}), one()) is None
    assert difference(one(), one(customer_id=None, currency=None, amounts={})) is None


def test_a_snapshot_and_its_row_are_the_same_side() -> None:
    row = {
        "subscription_id": "sub_1",
        "started_at": times.text(NOON),
        "status": "active",
        "customer_id": "cus_1",
        "plan": "pro-monthly",
        "quantity": 1,
        "current_period_end": times.text(NOON + timedelta(days=30)),
        "cancel_at_period_end": False,
    }
    snapshot = {**row, "started_at": NOON, "current_period_end": NOON + timedelta(days=30), "trial_end": None}
    assert side("subscription", row) == side("subscription", snapshot)


# -- paging ------------------------------------------------------------------------------------------------


def pages(objects: list[Side], upto: str, size: int) -> tuple[list[Side], bool]:
    """The first page of a list from `upto` on into the past, and whether it goes on."""
    rest = [each for each in objects if each.created_at <= upto]
    return rest[:size], len(rest) > size


def walk(there: list[Side], here: list[Side], size: int) -> list[tuple[Side | None, Side | None]]:
    """What a whole run pairs, when no second holds more than a page."""
    found, upto = [], "9"
    for _ in range(1000):
        ours, more_here = pages(here, upto, size)
        theirs, more_there = pages(there, upto, size)
        reached = (
            theirs[-1].created_at if more_there else None,
            ours[-1].created_at if more_here else None,
        )
        joined = join(theirs, ours, reached=reached)
        found += joined.pairs
        if joined.frontier is None:
            return found
        assert joined.frontier < upto or upto == "9"
        upto = joined.frontier
    raise AssertionError("it never came to an end")


WHAT = ("same", "same", "same", "missing_local", "missing_remote", "amount", "status")


def planted(what: list[tuple[str, int]], order: int) -> tuple[list[Side], list[Side], dict[str, str]]:
    """Two lists that differ by what is named for each object, made in the second beside it: id to kind."""
    there, here, kinds = [], [], {}
    for number, (kind, second) in enumerate(what):
        each = one(number, second)
        changed = {"amount": {"amounts": {"amount_due_minor": 2}}, "status": {"status": "open"}}
        if kind != "missing_remote":
            there.append(each)
        if kind != "missing_local":
            here.append(each.model_copy(update=changed.get(kind, {})))
        if kind != "same":
            kinds[each.object_id] = kind
    for part in (there, here):
        Random(order).shuffle(part)  # within one second a list has no order
        part.sort(key=lambda each: each.created_at, reverse=True)
    return there, here, kinds


@given(
    st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 12)), max_size=40),
    st.integers(0, 99),
    st.integers(1, 20),
)
def test_whatever_was_planted_is_found_once_and_nothing_else(
    what: list[tuple[str, int]], order: int, size: int
) -> None:
    there, here, kinds = planted(what, order)
    size = max(size, most_in_a_second(there, here) + 1)
    pairs = walk(there, here, size)
    assert len(pairs) == len({each.object_id for each in (*there, *here)})
    found = [each for pair in pairs if (each := difference(*pair))]
    assert {(each.there or each.here).object_id: each.kind for each in found} == kinds  # type: ignore[union-attr]  # of one side at least


def most_in_a_second(*lists: list[Side]) -> int:
    counts: dict[tuple[int, str], int] = {}
    for number, part in enumerate(lists):
        for each in part:
            counts[number, each.created_at] = counts.get((number, each.created_at), 0) + 1
    return max(counts.values(), default=0)


# -- slices ------------------------------------------------------------------------------------------------


@given(
    st.datetimes(datetime(2023, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=1100)),
)
def test_slices_cover_every_second_of_the_window_once_each_within_a_month(
    since: datetime, length: timedelta
) -> None:
    since = since.replace(microsecond=0)
    until = since + length
    found = slices({"invoice": since}, until)
    assert (found[0].since, found[-1].upto) == (times.text(since), times.text(last_second(until)))
    for before, after in zip(found, found[1:], strict=False):
        assert times.moment(after.since) - times.moment(before.upto) == timedelta(seconds=1)
    assert all(each.since[:7] == each.upto[:7] for each in found)
    assert len({each.name for each in found}) == len(found) <= 101


def last_second(until: datetime) -> datetime:
    return (until - timedelta(microseconds=1)).replace(microsecond=0)


def test_each_kind_looks_back_as_far_as_it_is_told() -> None:
    kinds: dict[ObjectKind, datetime] = {
        "invoice": NOON - timedelta(days=1),
        "subscription": NOON - timedelta(days=800),
    }
    found = slices(kinds, NOON)
    assert [each.kind for each in found].count("invoice") == 2
    assert [each.kind for each in found].count("subscription") == 27  # months


# -- alarm -------------------------------------------------------------------------------------------------

POLICY = ReconciliationPolicy(
    look_back_days={"invoice": 1}, alarm_above=20, alarm_above_per_ten_thousand=20, alarm_from=3
)


@pytest.mark.parametrize(
    "found, compared, alarm",
    [
        (0, 0, False),
        (2, 10, False),
        (3, 10, True),
        (3, 1500, False),
        (4, 1999, True),
        (20, 10**6, False),
        (21, 10**6, True),
    ],
)
def test_an_alarm_is_a_number_or_a_share_and_never_one_or_two(found: int, compared: int, alarm: bool) -> None:
    assert exceeds(POLICY, found=found, compared=compared) is alarm
