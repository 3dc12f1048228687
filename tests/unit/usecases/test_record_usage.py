"""Consumer of the buffer: every record is counted once, whatever comes twice, breaks or dies in between."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import catalog
from tests.fakes.usage import (
    ACCOUNT,
    PERIOD,
    buffered,
    count_all,
    deliver,
    given_account,
    period_row,
    sums,
    tell,
    total,
    used,
)
from tests.fakes.world import NOON, World
from usher.domain import times
from usher.domain.usage import UsagePolicy
from usher.ports.queue import Message
from usher.records.subscribers import Subscribers
from usher.records.usage import UsageBook
from usher.records.usage_shares import UsageRecord, shares

METER = f"{ACCOUNT}#api_calls"


def sent(*records: dict[str, Any], alone: bool = False) -> Message:
    return Message({"records": list(records), **({"alone": True} if alone else {})}, group="lane-1")


def test_records_are_kept_with_their_columns_and_summed_per_hour_and_period(world: World) -> None:
    given_account(world)
    tell(used("r1", 3), used("r2", 4), used("r3", 5, ago=timedelta(hours=2)))
    count_all(world)
    by_id = {row["id"]: row for row in world.rows("usage_records")}
    assert by_id["r1"] | {"expires_at": 0} == {
        "id": "r1",
        "account_id": ACCOUNT,
        "subscription_id": f"sub_{ACCOUNT}",
        "metric": "api_calls",
        "quantity": 3,
        "recorded_at": "2025-11-21T11:55:00.000Z",
        "received_at": times.text(NOON),
        "hour": "2025-11-21T11:00:00.000Z",
        "expires_at": 0,
    }
    assert sums(world) == {(METER, "2025-11-21T10:00:00.000Z"): 5, (METER, "2025-11-21T11:00:00.000Z"): 7}
    assert sums(world, "usage_periods") == {(METER, times.text(PERIOD[0])): 12}


def test_a_record_outlives_the_time_in_which_it_may_come_again(world: World) -> None:
    given_account(world)
    tell(used("r1"))
    count_all(world)
    (row,) = world.rows("usage_records")
    too_old = NOON - timedelta(minutes=5) + UsagePolicy().oldest
    assert row["expires_at"] > too_old.timestamp()


def test_an_hour_in_which_the_period_ends_is_summed_apart(world: World) -> None:
    given_account(world, period=(NOON - timedelta(days=30), NOON - timedelta(minutes=30)))
    tell(used("r1", 1, ago=timedelta(minutes=40)), used("r2", 2, ago=timedelta(minutes=20)))
    count_all(world)
    assert sums(world) == {(METER, "2025-11-21T11:00:00.000Z"): 1, (METER, "2025-11-21T11:30:00.000Z"): 2}
    assert len(sums(world, "usage_periods")) == 2


@pytest.mark.parametrize("began", [NOON - timedelta(minutes=10), NOON - timedelta(hours=1)])
def test_what_a_slow_clock_says_of_the_first_minutes_counts_in_the_first_period(
    world: World, began: datetime
) -> None:
    given_account(world, period=(began, NOON + timedelta(days=30)))
    before = NOON - began
    tell(*(used(f"r{m}", m, ago=before + timedelta(minutes=m)) for m in (4, 6, 1, 3)))
    count_all(world)
    assert sums(world)[METER, times.text(began)] == 8
    assert sums(world, "usage_periods")[METER, times.text(began)] == 8
    assert total(world) == total(world, "usage_periods") == 14


def test_who_has_no_subscription_is_counted_by_the_month(world: World) -> None:
    given_account(world, period=None)
    tell(used("r1", 1))
    count_all(world)
    assert sums(world, "usage_periods") == {(METER, "2025-11-01T00:00:00.000Z"): 1}


@pytest.mark.parametrize("redelivered", [1, 3])
def test_a_message_that_comes_again_changes_nothing(world: World, redelivered: int) -> None:
    given_account(world)
    tell(used("r1", 3), used("r2", 4))
    messages = buffered(world)
    for _ in range(1 + redelivered):
        assert deliver(*messages) == []
    assert deliver(*messages, *messages) == []
    assert (total(world), total(world, "usage_periods")) == (7, 7)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("operation", ["get", "transact"])
@pytest.mark.parametrize("skip", range(3))
def test_a_crash_between_buffer_and_write_loses_and_doubles_nothing(
    world: World, operation: str, skip: int, after_effect: bool
) -> None:
    """Whatever call of the store is the last one: the batch fails whole, comes again, and adds up."""
    for account in (ACCOUNT, "acc_bob"):
        given_account(world, account)
    records = [used(f"r{n}", n, account_id=(ACCOUNT, "acc_bob")[n % 2]) for n in range(200)]
    tell(*records)
    messages = buffered(world)
    world.store.fail(operation, skip=skip, after_effect=after_effect)
    failed = deliver(*messages)
    assert failed in ([], [f"m{number}" for number in range(len(messages))])
    world.store.faults.clear()
    assert deliver(*messages) == []
    assert total(world) == total(world, "usage_periods") == sum(range(200))
    assert len(world.rows("usage_records")) == 200


def test_another_hand_on_the_same_sums_costs_a_try_and_loses_nothing(world: World) -> None:
    given_account(world)
    tell(used("r1", 1), used("r2", 2))
    (first,) = buffered(world)
    rival = sent(*(record | {"id": f"rival-{record['id']}"} for record in first.body["records"]))
    world.store.meanwhile("transact", lambda: deliver(rival) and None)
    assert deliver(first) == []
    assert total(world) == total(world, "usage_periods") == 6


def test_a_record_that_cannot_be_read_goes_on_alone_and_its_neighbours_are_counted(world: World) -> None:
    given_account(world)
    broken = used("r2") | {"quantity": "many"}
    assert deliver(sent(used("r1", 1), broken, used("r3", 3)), sent(used("r4", 4))) == []
    assert total(world) == 8
    (alone,) = buffered(world)
    assert alone.body == {"records": [broken], "alone": True}
    assert alone.group not in (None, "lane-1")
    assert deliver(sent(used("r5", 5)), alone, sent(used("r6", 6))) == ["m1"]  # until it is a dead letter
    assert buffered(world) == []
    assert total(world) == 19


def test_a_record_that_the_store_never_takes_is_found_among_hundreds(world: World) -> None:
    """Nobody knows beforehand which: the batch is tried in halves, and what was counted stays counted."""
    given_account(world)
    poison = used("r77", 10**39)
    records = [used(f"r{number}") for number in range(200)]
    records[77] = poison
    assert deliver(sent(*records)) == []
    assert total(world) == 199
    (alone,) = buffered(world)
    assert [record["id"] for record in alone.body["records"]] == ["r77"]
    assert deliver(alone) == ["m0"]


def test_an_account_that_is_gone_fails_its_own_records_only(world: World) -> None:
    given_account(world)
    assert deliver(sent(used("r1", 1), used("r2", 2, account_id="acc_gone"))) == []
    assert total(world) == 1
    assert [record["id"] for record in buffered(world)[0].body["records"]] == ["r2"]


def test_an_unreadable_message_fails_alone(world: World) -> None:
    given_account(world)
    assert deliver(sent(used("r1")), Message({"nonsense": 1}), sent(used("r2"))) == ["m1"]
    assert total(world) == 2


def test_what_is_given_up_is_filed_for_a_person() -> None:
    (queue,) = [entry for entry in catalog.QUEUES if entry.name == "usage"]
    assert queue.dead_letter_consumer == "operations/file_dead_letter"
    assert queue.fifo


def test_two_contents_of_one_id_in_the_buffer_count_the_first_and_tell_once(world: World) -> None:
    given_account(world)
    messages = [sent(used("r1", 3)), sent(used("r1", 4))]
    for _ in range(2):
        assert deliver(*messages) == []
    assert total(world) == 3
    assert world.events(ACCOUNT) == ["usage.contradicted"]
    assert buffered(world) == []


def test_two_accounts_cannot_share_an_id(world: World) -> None:
    given_account(world)
    given_account(world, "acc_bob")
    assert deliver(sent(used("r1", 3)), sent(used("r1", 3, account_id="acc_bob"))) == []
    assert total(world) == 3
    assert world.events("acc_bob") == ["usage.contradicted"]


# -- limits ------------------------------------------------------------------------------------------------


def test_a_limit_is_told_near_and_reached_once_per_period(world: World) -> None:
    given_account(world, plan="free")  # a thousand calls, hard
    for number, (quantity, told) in enumerate(
        [(799, []), (1, ["near"]), (199, []), (1, ["reached"]), (5, [])]
    ):
        before = len(world.events(ACCOUNT))
        tell(used(f"r{number}", quantity))
        count_all(world)
        assert world.events(ACCOUNT)[before:] == [f"usage.limit_{each}" for each in told]
    near, reached = world.log.read(ACCOUNT)
    assert near.payload == {
        "metric": "api_calls",
        "plan": "free",
        "period_start": times.text(PERIOD[0]),
        "period_end": times.text(PERIOD[1]),
        "quantity": 800,
        "most": 1000,
        "hard": True,
        "percent": 80,
    }
    assert (reached.payload["quantity"], reached.payload["hard"]) == (1000, True)
    assert period_row(world)["told"] == ["near@1000", "reached@1000"]


def test_a_jump_over_both_marks_tells_both_and_redelivery_neither(world: World) -> None:
    given_account(world, plan="free")
    tell(*(used(f"r{number}", 10) for number in range(150)))
    messages = buffered(world)
    for _ in range(3):
        assert deliver(*messages) == []
    assert world.events(ACCOUNT) == ["usage.limit_near", "usage.limit_reached"]


def test_the_next_period_is_told_anew_and_late_records_count_in_their_own(world: World) -> None:
    given_account(world, plan="free", period=(NOON - timedelta(days=20), NOON - timedelta(hours=1)))
    tell(used("r1", 800), used("r2", 800, ago=timedelta(hours=2)))
    count_all(world)
    assert world.events(ACCOUNT) == ["usage.limit_near"] * 2
    assert len(sums(world, "usage_periods")) == 2


def test_a_larger_plan_has_a_limit_of_its_own_and_one_without_has_none(world: World) -> None:
    given_account(world, plan="free")
    tell(used("r1", 1000))
    count_all(world)
    given_account(world, plan="starter-monthly")
    tell(used("r2", 7000))
    count_all(world)
    given_account(world, plan="enterprise")
    tell(used("r3", 10**9))
    count_all(world)
    assert world.events(ACCOUNT) == ["usage.limit_near", "usage.limit_reached", "usage.limit_near"]


# -- laws --------------------------------------------------------------------------------------------------

RECORD = st.tuples(
    st.sampled_from([ACCOUNT, "acc_bob"]),
    st.sampled_from(["api_calls", "seats"]),
    st.integers(0, 1000),
    st.integers(0, 40 * 24 * 60),  # minutes ago
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(RECORD, max_size=120), data=st.data())
def test_law_hours_add_up_to_the_distinct_records_in_any_order_and_duplication(
    world: World, said: Sequence[tuple[str, str, int, int]], data: st.DataObject
) -> None:
    for account, metric in ((ACCOUNT, "starter-monthly"), ("acc_bob", "free")):
        given_account(world, account, plan=metric)
    for table in ("usage_records", "usage_hours", "usage_periods"):
        world.database.write(lambda c, table=table: c.execute(f"DELETE FROM item_{table}"))  # type: ignore[misc]  # a default
    records = [
        used(f"r{n}", quantity, account_id=account, metric=metric, ago=timedelta(minutes=ago))
        for n, (account, metric, quantity, ago) in enumerate(said)
    ]
    stream = (
        data.draw(st.permutations([*records, *data.draw(st.lists(st.sampled_from(records)))]))
        if records
        else []
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    for part in parts:
        assert deliver(sent(*part)) == []
    expected = sum(quantity for _, _, quantity, _ in said)
    assert total(world) == total(world, "usage_periods") == expected
    by_hour: dict[tuple[str, str], int] = {}
    for row in world.rows("usage_records"):
        key = (f"{row['account_id']}#{row['metric']}", row["hour"])
        by_hour[key] = by_hour.get(key, 0) + row["quantity"]
    assert sums(world) == by_hour
    assert len(world.rows("usage_records")) == len(records)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60 * 24 * 60)), max_size=300))
def test_law_a_share_fits_a_transaction_with_all_its_alerts(
    world: World, said: Sequence[tuple[str, int]]
) -> None:
    given_account(world, plan="free")
    owner = Subscribers(world.store).of([ACCOUNT])[ACCOUNT]
    records = [
        UsageRecord(
            id=f"r{n}",
            account_id=ACCOUNT,
            metric=metric,
            quantity=1,
            recorded_at=times.text(NOON - timedelta(minutes=ago)),
        )
        for n, (metric, ago) in enumerate(said)
    ]
    cut = list(shares(owner, records, policy=UsagePolicy()))
    assert sorted(each.record.id for share in cut for each in share.counted) == sorted(r.id for r in records)
    for share in cut:
        assert len(share.counted) + len(share.hours()) + 3 * len(share.periods()) + 1 <= 100


def test_a_plan_that_is_gone_has_no_limit(world: World) -> None:
    given_account(world, plan="of-yore")
    tell(used("r1", 10**9))
    count_all(world)
    assert world.events(ACCOUNT) == []


def test_the_book_reads_periods_newest_first(world: World) -> None:
    given_account(world)
    book = UsageBook(world.store, world.log, plans=world.plans, policy=UsagePolicy())
    tell(used("r1", 1), used("r2", 2, ago=timedelta(days=15)))
    count_all(world)
    assert [row["quantity"] for row in book.periods(ACCOUNT, "api_calls", limit=5)] == [1, 2]
    assert book.periods("acc_bob", "api_calls", limit=5) == []
