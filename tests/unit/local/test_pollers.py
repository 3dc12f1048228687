"""How batches reach a consumer, and what becomes of them by its answer."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent

from infra.catalog import Queue
from infra.local.pollers import QUIET_SECONDS, Poller, failures
from infra.local.queues import LocalQueue
from tests.unit.local.conftest import Runtime
from usher.ports.queue import Message

Consume = Callable[[dict[str, Any]], Any]


class Wired:
    """A queue with its poller; `batches` holds the numbers of every batch that was handed over."""

    def __init__(self, runtime: Runtime, entry: Queue, consume: Consume) -> None:
        self.entry, self.runtime = entry, runtime
        self.batches: list[list[int]] = []
        self.events: list[dict[str, Any]] = []
        self.queue = LocalQueue(runtime.database, (entry,), runtime.clock)

        def handler(event: dict[str, Any], context: Any) -> Any:
            self.events.append(event)
            self.batches.append([json.loads(record["body"])["n"] for record in event["Records"]])
            return consume(event)

        functions = runtime.functions(consume=handler)
        self.poller = Poller(entry, self.queue, functions, runtime.pool, runtime.clock)

    def start(self) -> None:
        self.poller.lane.start()
        self.runtime.settle()

    def send(self, *ns: int, group: str | None = None) -> None:
        self.queue.send(self.entry.name, [Message({"n": n}, group=group) for n in ns])
        self.runtime.settle()


def queue(name: str = "q", **settings: Any) -> Queue:
    return Queue(name, "a test's", "room/consume", **{"visibility_seconds": 60, "max_receives": 2} | settings)


def failing(*ns: int) -> Consume:
    def consume(event: dict[str, Any]) -> Any:
        bad = [r["messageId"] for r in event["Records"] if json.loads(r["body"])["n"] in ns]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in bad]}

    return consume


def nothing(event: dict[str, Any]) -> None:
    return None


def test_what_waits_at_the_start_comes_in_batches(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(batch_size=10, max_concurrency=1), nothing)
    wired.send(*range(25))
    wired.start()
    assert wired.batches == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
    assert wired.queue.depth("q").total == 0


def test_a_message_is_delivered_without_anybody_asking(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(), nothing)
    wired.start()
    wired.send(1)
    assert wired.batches == [[1]]


def test_the_event_is_what_lambda_hands_over(runtime: Runtime) -> None:
    wired = Wired(runtime, queue("stripe", fifo=True), nothing)
    message = Message({"n": 1}, group="cus_1", deduplication_id="evt_1", attributes={"trace": "t-1"})
    wired.queue.send("stripe", [message])
    wired.start()
    [record] = SQSEvent(wired.events[0]).records
    assert record.event_source_arn == "arn:aws:sqs:local:000000000000:stripe.fifo"
    assert (record.event_source, record.json_body) == ("aws:sqs", {"n": 1})
    assert record.attributes.approximate_receive_count == "1"
    assert record.attributes.sent_timestamp == "1767225600000"
    assert record.attributes.message_group_id == "cus_1"
    assert record.attributes.message_deduplication_id == "evt_1"
    assert wired.events[0]["Records"][0]["messageAttributes"]["trace"]["stringValue"] == "t-1"
    assert record.receipt_handle and record.message_id and record.md5_of_body


def test_only_what_failed_comes_again_and_then_is_a_dead_letter(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(), failing(2))
    wired.send(1, 2, 3)
    wired.start()
    runtime.advance(60)
    assert wired.batches == [[1, 2, 3], [2]]
    runtime.advance(60)
    assert [json.loads(letter.body)["n"] for letter in wired.queue.dead_letters("q")] == [2]
    assert wired.queue.depth("q").total == 0


def test_what_a_queue_gave_up_is_fed_to_whoever_consumes_its_dead_letters(runtime: Runtime) -> None:
    entry = queue(max_receives=1, dead_letter_consumer="room/bury")
    wired = Wired(runtime, entry, failing(2))
    buried: list[dict[str, Any]] = []
    functions = runtime.functions(bury=lambda event, _: buried.append(event))
    _, letters = entry.consumed
    poller = Poller(letters, wired.queue, functions, runtime.pool, runtime.clock)
    poller.lane.start()
    wired.start()
    wired.send(1, 2)
    runtime.advance(60)
    [event] = buried
    assert [json.loads(record["body"])["n"] for record in event["Records"]] == [2]
    assert event["Records"][0]["eventSourceARN"].endswith(":q-dlq")
    assert wired.queue.dead_letters("q") == []


def test_an_exception_brings_the_whole_batch_back(runtime: Runtime) -> None:
    outcomes = [RuntimeError("a bug"), None]

    def consume(event: dict[str, Any]) -> None:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome

    wired = Wired(runtime, queue(), consume)
    wired.send(1, 2)
    wired.start()
    runtime.advance(59)
    assert len(wired.batches) == 1
    runtime.advance(1)
    assert wired.batches == [[1, 2], [1, 2]]
    assert wired.queue.depth("q").total == 0


def test_after_a_failure_the_rest_of_the_group_waits_and_other_groups_do_not(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(fifo=True, max_receives=5, max_concurrency=1), failing(2))
    wired.send(1, 2, 3, group="a")
    wired.send(4, group="b")
    wired.start()
    wired.send(5, group="a")
    assert wired.batches == [[1, 2, 3, 4]]
    runtime.advance(60)
    assert wired.batches[1:] == [[2, 3, 5]]


def test_no_more_batches_at_a_time_than_allowed(runtime: Runtime) -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(2)

    def consume(event: dict[str, Any]) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        full.wait(10)  # two are inside at the same time, or the test fails
        with lock:
            at_once -= 1

    wired = Wired(runtime, queue(batch_size=1, max_concurrency=2), consume)
    wired.send(*range(8))
    wired.start()
    assert (len(wired.batches), most) == (8, 2)


def test_a_batch_is_held_open_for_its_window_while_messages_go_on_coming(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(batch_size=100, batch_window_seconds=5), nothing)
    wired.start()
    for n in range(49):
        wired.send(n)
        runtime.advance(QUIET_SECONDS / 2)
    assert wired.batches == []
    runtime.advance(QUIET_SECONDS / 2)
    assert wired.batches == [list(range(49))]


def test_a_full_batch_waits_for_nothing(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(batch_size=25, batch_window_seconds=5, max_concurrency=1), nothing)
    wired.start()
    wired.send(*range(60))
    assert wired.batches == [list(range(25)), list(range(25, 50))]
    runtime.advance(QUIET_SECONDS)
    assert wired.batches[2:] == [list(range(50, 60))]


def test_a_window_is_cut_short_when_nothing_more_comes(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(batch_size=3, batch_window_seconds=5), nothing)
    wired.start()
    wired.send(1)
    runtime.advance(QUIET_SECONDS / 2)
    wired.send(2)
    runtime.advance(QUIET_SECONDS / 2)
    assert wired.batches == []
    runtime.advance(QUIET_SECONDS / 2)
    assert wired.batches == [[1, 2]]
    wired.send(3)
    runtime.advance(QUIET_SECONDS)
    assert wired.batches == [[1, 2], [3]]


def test_a_stopped_poller_leaves_messages_for_the_next(runtime: Runtime) -> None:
    wired = Wired(runtime, queue(), nothing)
    wired.start()
    wired.poller.lane.stop()
    wired.send(1)
    assert (wired.batches, wired.queue.depth("q").ready) == ([], 1)


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_these_answers_mean_success(answer: Any) -> None:
    assert failures(answer, ["a", "b"]) == set()


@pytest.mark.parametrize(
    "answer",
    [
        "done",
        {"batchItemFailure": []},
        {"batchItemFailures": "a"},
        {"batchItemFailures": [{"itemIdentifier": "gone"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"id": "a"}]},
        {"batchItemFailures": ["a"]},
    ],
)
def test_an_answer_without_sense_fails_the_batch(answer: Any) -> None:
    assert failures(answer, ["a", "b"]) == {"a", "b"}


def test_a_consumer_that_shortens_the_wait_of_what_failed_gets_it_again_then(runtime: Runtime) -> None:
    def consume(event: dict[str, Any]) -> Any:
        receipts = [record["receiptHandle"] for record in event["Records"]]
        if len(wired.batches) == 1:
            wired.queue.retry_soon("q", receipts, seconds=2)
            return failing(1)(event)
        return None

    wired = Wired(runtime, queue(), consume)
    wired.start()
    wired.send(1)
    assert wired.batches == [[1]]
    runtime.advance(2)
    assert wired.batches == [[1], [1]]
