"""Redrives of messages that were given up and of events that were parked: by the queue, once."""

import pytest

from tests.fakes.redriving import BY_ADA, MINUTE, deps, mend
from tests.fakes.world import NOON, World
from usher.domain.errors import Conflict
from usher.records.failures import of_event
from usher.records.inbox import row as inbox_row
from usher.usecases.file_dead_letter import file_dead_letter
from usher.usecases.redrive_failure import redrive_failure


def dead(world: World, event_id: str = "signup#1") -> str:
    failure_id = died(world, event_id)
    assert failure_id is not None
    return failure_id


def died(world: World, event_id: str = "signup#1") -> str | None:
    return file_dead_letter(
        "signups",
        {"event_id": event_id, "signup_id": "su_x", "correlation_id": "cor_x"},
        group=None,
        failures=world.failures,
        inbox=world.inbox,
        clock=world.clock,
    )


def claimed(world: World, event_id: str = "signup#1") -> None:
    put = inbox_row(
        event_id,
        source="signup",
        body="{}",
        digest="d",
        received_at=NOON,
        keep_days=9,
        extra={"signup_id": "su_x", "correlation_id": "cor_x"},
    )
    world.inbox.claim(put)


def test_a_dead_letter_goes_to_its_queue_once(world: World) -> None:
    claimed(world)
    failure_id = dead(world)
    redrive_failure(failure_id, BY_ADA, deps(world))
    with pytest.raises(Conflict, match="redriving since"):
        redrive_failure(failure_id, BY_ADA, deps(world))
    ((queue, message),) = world.queue.take()
    assert (queue, message.body["event_id"]) == ("signups", "signup#1")


def test_a_dead_letter_is_resolved_once_its_event_is_done(world: World) -> None:
    claimed(world)
    failure_id = dead(world)
    redrive_failure(failure_id, BY_ADA, deps(world))
    assert mend(world) == 0
    world.inbox.finish("signup#1", now=world.clock.now())
    assert mend(world) == 1
    found = world.failures.find(failure_id)
    assert found is not None
    assert found.state == "resolved"


def test_a_dead_letter_that_dies_again_is_one_row_with_two_tries(world: World) -> None:
    failure_id = dead(world)
    redrive_failure(failure_id, BY_ADA, deps(world))
    assert dead(world) == failure_id
    found = world.failures.find(failure_id)
    assert found is not None
    assert (found.state, found.tries) == ("open", 2)


def test_a_dead_letter_that_came_to_nothing_for_an_hour_is_open_again(world: World) -> None:
    claimed(world)
    failure_id = dead(world)
    redrive_failure(failure_id, BY_ADA, deps(world))
    world.clock.advance(61 * MINUTE)
    assert mend(world) == 1
    found = world.failures.find(failure_id)
    assert found is not None
    assert found.state == "open"


def parked(world: World) -> str:
    claimed(world)
    row = world.inbox.get("signup#1")
    assert row is not None
    filed = world.failures.filing_event(row, step="sweep_inbox", reason="unfinished", now=NOON)
    assert world.inbox.park("signup#1", reason="unfinished", now=NOON, filed=filed)
    return of_event("signup#1")


def test_a_parked_event_is_claimed_and_queued_again_and_resolved_once_done(world: World) -> None:
    failure_id = parked(world)
    redrive_failure(failure_id, BY_ADA, deps(world))
    ((queue, message),) = world.queue.take()
    assert (queue, message.body["event_id"]) == ("signups", "signup#1")
    row = world.inbox.get("signup#1")
    assert row is not None
    assert (row["state"], "pending" in row, "reason" in row) == ("claimed", True, False)
    world.inbox.finish("signup#1", now=NOON)
    assert mend(world) == 1


def test_a_parked_event_that_was_dealt_with_meanwhile_is_resolved_and_says_so(world: World) -> None:
    failure_id = parked(world)
    world.inbox.finish("signup#1", now=NOON)
    with pytest.raises(Conflict, match="dealt with meanwhile"):
        redrive_failure(failure_id, BY_ADA, deps(world))
    assert [item["state"] for item in world.rows("failures")] == ["resolved"]


def test_a_dead_letter_of_a_parked_event_adds_no_second_row(world: World) -> None:
    failure_id = parked(world)
    assert dead(world) == failure_id
    assert len(world.rows("failures")) == 1


def test_a_dead_letter_whose_event_is_done_is_no_failure(world: World) -> None:
    """Its work was done each time and its deletion lost each time, as by a process that keeps dying."""
    claimed(world)
    world.inbox.finish("signup#1", now=NOON)
    assert died(world) is None
    assert world.rows("failures") == []
