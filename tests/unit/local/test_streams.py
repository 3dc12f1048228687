"""How a table's changes reach a function: in order, again after a failure, and past what cannot succeed."""

import json
from typing import Any

import pytest

from infra.catalog import Stream, Table
from infra.local.queues import LocalQueue
from infra.local.sqlite_store import SqliteStore
from infra.local.streams import StreamConsumer
from tests.unit.local.conftest import Runtime
from usher.ports.store import Put

LOG = Table("log", "a test's", "account", sort="n", sort_is_number=True, streamed=True)
ENTRY = Stream("log", "room/consume", batch_size=8, max_attempts=3)


class Wired:
    """A streamed table and its consumer; `batches` is what it got, `poison` what it cannot take."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.batches: list[list[int]] = []
        self.records: list[dict[str, Any]] = []
        self.poison: set[int] = set()
        self.taken: set[int] = set()
        self.names_failures = True
        self.open()

    def open(self) -> None:
        runtime = self.runtime
        self.store = SqliteStore(runtime.database, (LOG,), runtime.manual)
        self.queue = LocalQueue(runtime.database, (), runtime.clock, dead_letter_queues=(ENTRY.dead_letters,))
        self.consumer = StreamConsumer(
            ENTRY,
            self.store.stream("log"),
            runtime.functions(consume=self._consume),
            self.queue,
            runtime.database,
            runtime.pool,
            runtime.clock,
        )

    def crash(self) -> None:
        self.consumer.lane.stop()
        self.runtime.reopen()
        self.open()

    def start(self) -> None:
        self.consumer.lane.start()
        self.runtime.settle()

    def put(self, *ns: int) -> None:
        for n in ns:
            self.store.write(Put("log", {"account": "acc_1", "n": n}))
        self.runtime.settle()

    def _consume(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.records += event["Records"]
        ns = [int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in event["Records"]]
        self.batches.append(ns)
        failed = [record for record, n in zip(event["Records"], ns, strict=True) if n in self.poison]
        if failed and not self.names_failures:
            raise RuntimeError("one of these is bad")
        self.taken |= set(ns) - self.poison
        ids = [record["dynamodb"]["SequenceNumber"] for record in failed]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in ids]}


@pytest.fixture
def wired(runtime: Runtime) -> Wired:
    return Wired(runtime)


def test_changes_arrive_in_order_as_dynamodb_stream_events(wired: Wired) -> None:
    wired.put(1, 2, 3)
    wired.start()
    assert wired.batches == [[1, 2, 3]]
    record = wired.records[0]
    assert (record["eventName"], record["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert record["dynamodb"]["Keys"] == {"account": {"S": "acc_1"}, "n": {"N": "1"}}
    assert wired.consumer.caught_up()


def test_a_change_is_handed_over_without_anybody_asking(wired: Wired) -> None:
    wired.start()
    wired.put(1)
    wired.put(2)
    assert wired.batches == [[1], [2]]


def test_batches_are_no_larger_than_allowed(wired: Wired) -> None:
    wired.put(*range(20))
    wired.start()
    assert [len(batch) for batch in wired.batches] == [8, 8, 4]


def test_a_named_failure_is_tried_again_from_there_and_keeps_the_order(wired: Wired) -> None:
    wired.poison = {3}
    wired.put(1, 2, 3, 4)
    wired.start()
    assert not wired.consumer.caught_up()
    wired.poison = set()
    wired.runtime.advance(1)
    assert wired.batches == [[1, 2, 3, 4], [3, 4]]
    assert wired.consumer.caught_up()


@pytest.mark.parametrize("names_failures", [True, False])
def test_a_poisoned_record_alone_becomes_a_dead_letter(wired: Wired, names_failures: bool) -> None:
    wired.poison, wired.names_failures = {5}, names_failures
    wired.put(*range(1, 11))
    wired.start()
    for _ in range(12):
        wired.runtime.advance(4)
    assert wired.consumer.caught_up()
    [letter] = wired.queue.dead_letters(ENTRY.dead_letters)
    body = json.loads(letter.body)
    assert body["keys"] == {"account": {"S": "acc_1"}, "n": {"N": "5"}}
    assert body["requestContext"]["approximateInvokeCount"] >= ENTRY.max_attempts
    assert wired.taken == set(range(1, 11)) - {5}


def test_the_next_process_goes_on_behind_what_was_dealt_with(wired: Wired) -> None:
    wired.put(1, 2)
    wired.start()
    wired.put(3)
    wired.consumer.lane.stop()
    wired.put(4)
    wired.crash()
    wired.start()
    assert wired.batches == [[1, 2], [3], [4]]


def test_attempts_are_counted_over_restarts(wired: Wired) -> None:
    wired.poison = {1}
    wired.put(1)
    wired.start()
    for _ in range(ENTRY.max_attempts - 1):
        wired.crash()
        wired.start()
    assert len(wired.batches) == ENTRY.max_attempts
    assert len(wired.queue.dead_letters(ENTRY.dead_letters)) == 1
