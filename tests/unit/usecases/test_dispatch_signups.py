"""Dispatch under limits: who may start now starts, who may not is sent on with the slot that is his."""

import json
from copy import deepcopy
from typing import Any

import pytest

from functions.intake.dispatch_signup import handler
from functions.intake.sweep_inbox import handler as sweep_handler
from infra import policy_files
from tests.fakes.world import World
from usher.bootstrap import platform as bootstrap_platform
from usher.bootstrap import policies
from usher.bootstrap.admission import buckets
from usher.domain import ids, times
from usher.ports.queue import Message
from usher.records import inbox

TEN_A_SECOND = {"signups": {"calls": 10}}


@pytest.fixture(autouse=True)
def limits(world: World) -> None:
    """Ten sign-ups a second and nothing else."""
    limit(world, TEN_A_SECOND)


def limit(world: World, rates: dict[str, Any]) -> None:
    content = deepcopy(policy_files.load_all())
    content["limits"]["local"] = {"buckets": rates}
    policies.install(content)
    bootstrap_platform.install(None)
    bootstrap_platform.install(world)


def claimed(world: World, number: int) -> dict[str, Any]:
    """A sign-up's message, and its row in the inbox as intake leaves it."""
    event_id = f"signup#msg_{number}"
    named = {"signup_id": ids.derived("su", str(number)), "correlation_id": "cor_1"}
    put = inbox.row(
        event_id,
        source="signup",
        body="{}",
        digest="",
        received_at=world.clock.now(),
        keep_days=90,
        extra=named,
    )
    world.store.inner.write(put)
    return {**named, "event_id": event_id}


def dispatch(*bodies: Any) -> list[str]:
    """Hand the consumer one batch; returns the numbers of the messages that failed."""
    records = [
        {"messageId": str(number), "body": body if isinstance(body, str) else json.dumps(body)}
        for number, body in enumerate(bodies)
    ]
    answer = handler({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def sent_on(world: World) -> list[Message]:
    messages = world.queue.take()
    assert {queue for queue, _ in messages} <= {"signups"}
    return [message for _, message in messages]


def test_what_has_its_slot_within_a_second_starts_on_it_in_order(world: World) -> None:
    began = world.clock.now()
    assert dispatch(*(claimed(world, number) for number in range(10))) == []
    assert list(world.workflows.started) == [f"signup-{ids.derived('su', str(n))}" for n in range(10)]
    assert (world.clock.now() - began).total_seconds() == pytest.approx(0.9)  # it waited for the tenth
    assert sent_on(world) == []


def test_what_has_to_wait_longer_is_sent_on_with_that_delay_and_is_no_failure(world: World) -> None:
    assert dispatch(*(claimed(world, number) for number in range(40))) == []
    assert len(world.workflows.started) == 10
    messages = sent_on(world)
    assert [message.delay_seconds for message in messages] == [1] * 10 + [2] * 10 + [3] * 10


def test_a_message_that_comes_back_starts_on_the_slot_it_had(world: World) -> None:
    dispatch(*(claimed(world, number) for number in range(25)))
    last = sent_on(world)[-1]
    world.clock.advance(last.delay_seconds - 0.9)  # dispatch itself has waited for nine tenths
    others, _ = buckets(world).book("signups", 1, 50)
    assert dispatch(dict(last.body)) == []
    assert f"signup-{ids.derived('su', '24')}" in world.workflows.started
    assert sent_on(world) == []


def test_a_message_that_comes_back_too_early_is_sent_on_and_takes_no_second_slot(world: World) -> None:
    dispatch(*(claimed(world, number) for number in range(40)))
    last = sent_on(world)[-1]
    before = world.rows("buckets")
    world.clock.advance(0.5)  # dispatch itself has waited for nine tenths: 2.5 seconds are left
    assert dispatch(dict(last.body)) == []
    (again,) = sent_on(world)
    assert (again.delay_seconds, again.body) == (2, last.body)
    assert world.rows("buckets") == before


def test_whoever_calls_at_once_in_between_moves_what_was_booked(world: World) -> None:
    limit(world, {"signups": {"calls": 10}, "stripe:customers": {"calls": 10}})
    dispatch(*(claimed(world, number) for number in range(20)))
    last = sent_on(world)[-1]
    for _ in range(5):
        buckets(world).pass_line("stripe:customers", "reserved" if _ else "main")
        world.clock.advance(0.5)
    assert dispatch(dict(last.body)) == []
    assert f"signup-{ids.derived('su', '19')}" in world.workflows.started


def test_the_widest_delay_of_the_queue_is_not_exceeded(world: World) -> None:
    limit(world, {"signups": {"calls": 1, "seconds": 600}})
    dispatch(*(claimed(world, number) for number in range(4)))
    assert [message.delay_seconds for message in sent_on(world)] == [600, 900, 900]


def test_the_sweeper_leaves_alone_what_waits_on_purpose(world: World) -> None:
    """Else each sweep would book another slot for it, and make the line longer."""
    limit(world, {"signups": {"calls": 1, "seconds": 600}})
    dispatch(claimed(world, 1), claimed(world, 2))
    sent_on(world)
    world.clock.advance(600)
    assert sweep_handler({}, None) == {"count": 0}
    world.clock.advance(121)
    assert sweep_handler({}, None) == {"count": 1}  # it should have come: now it may be lost


def test_a_queue_that_takes_nothing_loses_nothing(world: World) -> None:
    world.queue.outages = 1
    bodies = [claimed(world, number) for number in range(12)]
    assert dispatch(*bodies) == [str(number) for number in range(12)]
    assert {row["state"] for row in world.rows("inbox")} == {"claimed"}
    assert dispatch(*bodies) == []
    assert len(sent_on(world)) == 12  # the slots of the first try are lost, and nothing else


def test_a_repeat_of_a_message_that_was_sent_on_starts_nothing_twice(world: World) -> None:
    body = claimed(world, 0)
    dispatch(*(claimed(world, number) for number in range(1, 11)), body)
    (late,) = sent_on(world)
    world.clock.advance(60)
    assert dispatch(body, dict(late.body)) == []
    assert len(world.workflows.started) == 11


def test_without_limits_nothing_is_written_for_them(world: World) -> None:
    limit(world, {})
    assert dispatch(*(claimed(world, number) for number in range(50))) == []
    assert len(world.workflows.started) == 50
    assert world.rows("buckets") == []


def test_every_bucket_a_sign_up_calls_is_booked_and_the_narrowest_decides(world: World) -> None:
    limit(world, {"stripe": {"calls": 100}, "stripe:*": {"calls": 5}})
    dispatch(*(claimed(world, number) for number in range(10)))
    assert [message.delay_seconds for message in sent_on(world)] == [1] * 5
    assert {row["bucket"] for row in world.rows("buckets")} == {
        "stripe",
        "stripe:customers",
        "stripe:subscriptions",
    }


def test_under_strain_sign_ups_start_more_slowly(world: World) -> None:
    limit(world, {"stripe:customers": {"calls": 10}})
    buckets(world).refused("stripe:customers", retry_after=None)
    bodies = [claimed(world, number) for number in range(20)]
    dispatch(*bodies)
    row = buckets(world).row("stripe:customers")
    assert row["held"] == 10 * 25_000  # the ten that started took a quarter longer each
    assert times.text(world.clock.now()) > world.rows("inbox")[0]["received_at"]
