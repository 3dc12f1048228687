"""What local queues promise beyond the port: visibility, receive counts, dead letters, groups, restarts."""

import json

import pytest

from infra.catalog import Queue
from infra.local.queues import LocalQueue, Received
from tests.unit.local.conftest import Runtime
from usher.domain.errors import InvalidCommand, NotFound, StoreUnavailable
from usher.ports.queue import Message

PLAIN = Queue("plain", "any order", "room/consume", visibility_seconds=60, max_receives=3)
ORDERED = Queue("ordered", "per group", "room/consume", fifo=True, visibility_seconds=60, max_receives=3)


@pytest.fixture
def queue(runtime: Runtime) -> LocalQueue:
    return open_queue(runtime)


def open_queue(runtime: Runtime) -> LocalQueue:
    return LocalQueue(runtime.database, (PLAIN, ORDERED), runtime.clock, dead_letter_queues=("rule-dlq",))


def numbers(messages: list[Received]) -> list[int]:
    return [json.loads(message.body)["n"] for message in messages]


def send(queue: LocalQueue, *ns: int) -> None:
    queue.send("plain", [Message({"n": n}) for n in ns])


def send_ordered(queue: LocalQueue, group: str, *ns: int) -> None:
    queue.send("ordered", [Message({"n": n}, group=group) for n in ns])


def test_a_received_message_is_invisible_until_its_timeout(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    [first] = queue.receive("plain")
    runtime.advance(59)
    assert queue.receive("plain") == []
    runtime.advance(1)
    [again] = queue.receive("plain")
    assert (again.message_id, first.receives, again.receives) == (first.message_id, 1, 2)


def test_a_deleted_message_never_comes_back(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    [message] = queue.receive("plain")
    queue.delete("plain", [message.receipt])
    runtime.advance(3600)
    assert queue.depth("plain").total == 0
    runtime.reopen()
    assert open_queue(runtime).depth("plain").total == 0


def test_an_outdated_receipt_deletes_nothing(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    [slow] = queue.receive("plain")
    runtime.advance(60)
    [current] = queue.receive("plain")
    queue.delete("plain", [slow.receipt])
    assert queue.depth("plain").in_flight == 1
    queue.delete("plain", [current.receipt])
    assert queue.depth("plain").total == 0


def test_a_delayed_message_waits_and_is_counted_apart(runtime: Runtime, queue: LocalQueue) -> None:
    queue.send("plain", [Message({"n": 1}, delay_seconds=10)])
    assert (queue.receive("plain"), queue.depth("plain").delayed) == ([], 1)
    runtime.advance(10)
    assert numbers(queue.receive("plain")) == [1]
    assert queue.depth("plain").delayed == 0


def test_delays_survive_a_restart(runtime: Runtime, queue: LocalQueue) -> None:
    queue.send("plain", [Message({"n": 1}, delay_seconds=10)])
    runtime.reopen()
    reopened = open_queue(runtime)
    assert reopened.receive("plain") == []
    runtime.advance(10)
    assert numbers(reopened.receive("plain")) == [1]


def test_after_the_last_receive_a_message_is_a_dead_letter(runtime: Runtime, queue: LocalQueue) -> None:
    queue.send("plain", [Message({"n": 1}, attributes={"trace": "t"})])
    for _ in range(PLAIN.max_receives):
        assert numbers(queue.receive("plain")) == [1]
        runtime.advance(60)
    assert queue.receive("plain") == []
    [letter] = queue.dead_letters("plain")
    assert json.loads(letter.body) == {"n": 1}
    assert letter.attributes == {"trace": "t", "DeadLetterQueueSourceArn": queue.arn("plain")}
    runtime.reopen()
    assert numbers(open_queue(runtime).dead_letters("plain-dlq")) == [1]


def test_redriven_dead_letters_start_with_a_fresh_count(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1, 2)
    for _ in range(PLAIN.max_receives):
        queue.receive("plain")
        runtime.advance(60)
    assert queue.redrive_dead_letters("plain") == 2
    assert queue.dead_letters("plain") == []
    runtime.reopen()
    received = open_queue(runtime).receive("plain")
    assert [(m.receives, m.attributes) for m in received] == [(1, {}), (1, {})]


def test_what_a_crash_interrupted_is_ready_at_once_and_counted(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1, 2)
    queue.receive("plain", 1)
    runtime.reopen()
    received = open_queue(runtime).receive("plain")
    assert sorted((json.loads(m.body)["n"], m.receives) for m in received) == [(1, 2), (2, 1)]


def test_a_message_that_kills_its_process_ends_as_a_dead_letter(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    for _ in range(PLAIN.max_receives):
        assert numbers(queue.receive("plain")) == [1]
        runtime.reopen()
        queue = open_queue(runtime)
    assert queue.receive("plain") == []
    assert numbers(queue.dead_letters("plain")) == [1]


def test_a_held_message_outlives_its_timeout_until_given_back(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    [held] = queue.receive("plain", hold=True)
    runtime.advance(600)
    assert queue.receive("plain") == []
    queue.give_back("plain", [held.receipt])
    runtime.advance(0)
    assert numbers(queue.receive("plain")) == [1]


def test_a_visibility_of_zero_gives_the_message_back_at_once(queue: LocalQueue) -> None:
    send(queue, 1)
    [message] = queue.receive("plain")
    queue.change_visibility("plain", message.receipt, 0)
    assert numbers(queue.receive("plain")) == [1]
    with pytest.raises(NotFound, match="outdated"):
        queue.change_visibility("plain", message.receipt, 5)


def test_a_longer_visibility_replaces_the_shorter(runtime: Runtime, queue: LocalQueue) -> None:
    send(queue, 1)
    [message] = queue.receive("plain")
    queue.change_visibility("plain", message.receipt, 600)
    runtime.advance(599)
    assert queue.receive("plain") == []
    runtime.advance(1)
    assert numbers(queue.receive("plain")) == [1]


def test_a_group_with_messages_out_is_closed_and_others_are_not(queue: LocalQueue) -> None:
    send_ordered(queue, "a", 1, 2)
    send_ordered(queue, "b", 3)
    [first] = queue.receive("ordered", 1)
    assert numbers(queue.receive("ordered")) == [3]
    queue.delete("ordered", [first.receipt])
    assert numbers(queue.receive("ordered")) == [2]


def test_one_batch_may_hold_several_of_a_group_in_order(queue: LocalQueue) -> None:
    send_ordered(queue, "a", 1, 2, 3)
    assert numbers(queue.receive("ordered", 2)) == [1, 2]


def test_a_failed_message_of_a_group_comes_before_its_successors(runtime: Runtime, queue: LocalQueue) -> None:
    send_ordered(queue, "a", 1, 2)
    queue.receive("ordered", 1)
    send_ordered(queue, "a", 3)
    runtime.advance(60)
    assert numbers(queue.receive("ordered")) == [1, 2, 3]


def test_a_dead_letter_opens_its_group(runtime: Runtime, queue: LocalQueue) -> None:
    send_ordered(queue, "a", 1, 2)
    for _ in range(ORDERED.max_receives):
        assert numbers(queue.receive("ordered", 1)) == [1]
        runtime.advance(60)
    assert numbers(queue.receive("ordered")) == [2]
    assert numbers(queue.dead_letters("ordered")) == [1]


def test_a_group_keeps_its_order_over_a_restart(runtime: Runtime, queue: LocalQueue) -> None:
    send_ordered(queue, "a", 1, 2, 3)
    queue.receive("ordered", 2)
    runtime.reopen()
    assert numbers(open_queue(runtime).receive("ordered")) == [1, 2, 3]


def test_a_deduplication_id_counts_for_five_minutes_and_over_a_restart(
    runtime: Runtime, queue: LocalQueue
) -> None:
    twice = Message({"n": 1}, group="a", deduplication_id="evt_1")
    queue.send("ordered", [twice, twice])
    [first] = queue.receive("ordered")
    queue.delete("ordered", [first.receipt])
    runtime.reopen()
    queue = open_queue(runtime)
    queue.send("ordered", [twice])
    assert queue.depth("ordered").total == 0
    runtime.advance(300)
    queue.send("ordered", [twice])
    assert queue.depth("ordered").total == 1


def test_whoever_listens_hears_of_every_message_that_becomes_ready(
    runtime: Runtime, queue: LocalQueue
) -> None:
    heard: list[int] = []
    queue.on_ready("plain", lambda: heard.append(queue.ready("plain")))
    send(queue, 1)
    queue.send("plain", [Message({"n": 2}, delay_seconds=5)])
    assert heard == [1]
    runtime.advance(5)
    assert heard == [1, 2]


def test_plain_dead_letter_queues_keep_what_they_are_sent(queue: LocalQueue) -> None:
    queue.send("rule-dlq", [Message({"n": 7})])
    assert numbers(queue.dead_letters("rule-dlq")) == [7]


def test_an_unknown_queue_names_the_catalog(queue: LocalQueue) -> None:
    with pytest.raises(NotFound, match="catalog"):
        queue.send("nowhere", [Message({})])


def test_a_batch_with_one_bad_message_stores_none(queue: LocalQueue) -> None:
    with pytest.raises(InvalidCommand, match="bytes"):
        queue.send("plain", [Message({"n": 1}), Message({"text": "x" * 300_000})])
    assert queue.depth("plain").total == 0


def test_a_closed_database_is_an_outage_not_a_loss(runtime: Runtime, queue: LocalQueue) -> None:
    runtime.database.close()
    with pytest.raises(StoreUnavailable):
        send_ordered(queue, "a", 1)
