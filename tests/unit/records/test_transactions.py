"""Many groups in few transactions: each all or none, and none spoils another."""

import pytest

from tests.fakes.world import World
from usher.domain.errors import StoreUnavailable
from usher.ports.store import Absent, ConditionFailed, Put, Write
from usher.records.transactions import transact_all


def new(number: int) -> Put:
    return Put("mails", {"mail_id": f"m{number:03}", "state": "sending"}, if_=Absent("mail_id"))


def held(world: World) -> list[str]:
    return sorted(row["mail_id"] for row in world.rows("mails"))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_groups_are_packed_and_never_torn(world: World, size: int) -> None:
    groups: list[list[Write]] = [[new(n * size + k) for k in range(size)] for n in range(250 // size)]
    assert transact_all(world.store, groups) == [None] * len(groups)
    assert len(held(world)) == size * len(groups)
    assert transact_all(world.store, []) == []


def test_a_group_that_fails_takes_nobody_with_it(world: World) -> None:
    world.store.write(new(3))
    world.store.write(new(7))
    groups: list[list[Write]] = [[new(n), new(n + 1)] for n in range(0, 10, 2)]
    outcomes = transact_all(world.store, groups)
    failed = {n: each.failed for n, each in enumerate(outcomes) if isinstance(each, ConditionFailed)}
    assert {n: list(positions) for n, positions in failed.items()} == {1: [1], 3: [1]}  # within the group
    assert failed[1][1] == new(3).item
    assert held(world) == [f"m{n:03}" for n in (0, 1, 3, 4, 5, 7, 8, 9)]


def test_an_outage_is_that_of_the_groups_it_hit(world: World) -> None:
    world.store.fail("transact")
    outcomes = transact_all(world.store, [[new(n)] for n in range(150)])
    assert [isinstance(each, StoreUnavailable) for each in outcomes] == [True] * 100 + [False] * 50
    assert len(held(world)) == 50
