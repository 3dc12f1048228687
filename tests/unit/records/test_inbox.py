"""The inbox: what happens to events whose row has expired in the meantime (F3)."""

from collections.abc import Callable

import pytest

from tests.fakes.world import NOON, World
from usher.ports.store import Put
from usher.records.inbox import Inbox, body_of, row

FILED = Put("failures", {"failure_id": "fail_1"})
MOVES: dict[str, Callable[[Inbox], object]] = {
    "finish": lambda inbox: inbox.finish("evt_1", now=NOON),
    "park": lambda inbox: inbox.park("evt_1", reason="unknown customer", now=NOON, filed=FILED),
    "queued_again": lambda inbox: inbox.queued_again("evt_1", now=NOON),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_an_event_whose_row_expired_leaves_no_row_that_never_does(
    world: World, move: Callable[[Inbox], object]
) -> None:
    move(world.inbox)
    assert world.rows("inbox") == []


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_row_that_is_there_is_moved_on_and_still_expires(
    world: World, move: Callable[[Inbox], object]
) -> None:
    put = row("evt_1", source="stripe", body="{}", digest="d", received_at=NOON, keep_days=1, extra={})
    world.inbox.claim(put)
    move(world.inbox)
    (moved,) = world.rows("inbox")
    assert moved != put.item
    assert moved["expires_at"] == put.item["expires_at"]


@pytest.mark.parametrize(
    "body", ["", "{}", "x" * 1024, "x" * 1025, '{"name":"Zoë 🙂","pad":"' + "é" * 5000 + '"}']
)
def test_a_body_is_read_back_as_it_came_and_a_long_one_takes_less_room(body: str) -> None:
    put = row("evt_1", source="stripe", body=body, digest="d", received_at=NOON, keep_days=1, extra={})
    assert body_of(put.item) == body
    long = len(body.encode()) > 1024
    assert ("packed_body" in put.item, "body" in put.item) == (long, not long)
    assert len(str(put.item)) < 1500
