"""The limit per account on public routes: who is asked about too often waits, neighbours do not (F5)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import catalog
from infra.local.database import opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.fakes.platform import FaultyStore
from usher.domain.admission import Rate, Rates
from usher.domain.problems import Problem
from usher.records.buckets import Buckets
from usher.usecases.account_pace import FREE, AccountPace

RATES = Rates(buckets={"accounts:*": Rate(calls=20, burst=20)})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[FaultyStore]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        yield FaultyStore(SqliteStore(database, catalog.TABLES, clock))


@pytest.fixture
def pace(store: FaultyStore, clock: ManualClock) -> AccountPace:
    return AccountPace(Buckets(store, RATES, clock))


def admitted(pace: AccountPace, account_id: str, tries: int) -> int:
    """How many of so many requests at one moment are let through."""
    count = 0
    for _ in range(tries):
        try:
            pace.admit(account_id)
        except Problem:
            continue
        count += 1
    return count


def test_an_account_that_is_asked_about_now_and_then_costs_the_store_nothing(
    pace: AccountPace, store: FaultyStore, clock: ManualClock
) -> None:
    for _ in range(5):
        assert admitted(pace, "acc_a", FREE) == FREE
        clock.advance(1)
    assert store.inner.get("buckets", {"bucket": "accounts:acc_a"}) is None


def test_a_burst_beyond_the_rate_is_told_when_to_come_again(pace: AccountPace) -> None:
    assert admitted(pace, "acc_a", 200) < 60
    with pytest.raises(Problem, match="send this again in 1 s") as refused:
        pace.admit("acc_a")
    assert (refused.value.status, refused.value.headers) == (429, {"retry-after": "1"})


def test_neighbours_are_not_slowed(pace: AccountPace) -> None:
    admitted(pace, "acc_a", 200)
    assert admitted(pace, "acc_b", FREE) == FREE


def test_over_time_an_account_gets_its_rate_and_what_is_free(pace: AccountPace, clock: ManualClock) -> None:
    admitted(pace, "acc_a", 200)  # the burst is used up
    let_through = 0
    for _ in range(20):
        clock.advance(1)
        let_through += admitted(pace, "acc_a", 100)
    assert 20 * 20 <= let_through <= 20 * (20 + FREE) + FREE


def test_processes_share_what_is_not_free(store: FaultyStore, clock: ManualClock) -> None:
    processes = [AccountPace(Buckets(store, RATES, clock)) for _ in range(3)]
    for each in processes:
        admitted(each, "acc_a", 200)
    clock.advance(1)
    together = sum(admitted(each, "acc_a", 100) for each in processes)
    assert together <= 20 + 3 * FREE + FREE


def test_when_the_store_is_away_nobody_is_turned_away(pace: AccountPace, store: FaultyStore) -> None:
    store.is_down = True
    assert admitted(pace, "acc_a", 3 * FREE) == 3 * FREE


def test_without_a_rate_there_is_no_limit(store: FaultyStore, clock: ManualClock) -> None:
    assert admitted(AccountPace(Buckets(store, Rates(), clock)), "acc_a", 500) == 500
