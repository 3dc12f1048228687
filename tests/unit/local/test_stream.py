"""The stream of a table: what it holds, its order, who is told, and that nothing is lost or repeated."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

from infra.catalog import Table
from infra.local.database import Database, opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from infra.local.store.stream import Stream
from usher.adapters.dynamodb_json import decode
from usher.ports.store import Absent, Check, ConditionFailed, Delete, Present, Put, Update

LOG = Table("log", "", "owner", sort="sequence", sort_is_number=True, streamed=True)
QUIET = Table("quiet", "", "id")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqliteStore:
    return SqliteStore(database, (LOG, QUIET), ManualClock())


@pytest.fixture
def stream(store: SqliteStore) -> Stream:
    return store.stream("log")


def entry(sequence: int, **attributes: Any) -> Put:
    return Put("log", {"owner": "ada", "sequence": sequence, **attributes})


def key(sequence: int) -> dict[str, str | int]:
    return {"owner": "ada", "sequence": sequence}


def numbers(records: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def test_a_record_is_shaped_as_lambda_gets_it(store: SqliteStore, stream: Stream) -> None:
    store.write(entry(1, text="x", list=[1, True, None]))
    (record,) = stream.read()
    assert record["eventName"] == "INSERT"
    assert record["eventSource"] == "aws:dynamodb"
    assert ":table/log/stream/" in record["eventSourceARN"]
    assert record["dynamodb"]["Keys"] == {"owner": {"S": "ada"}, "sequence": {"N": "1"}}
    assert record["dynamodb"]["NewImage"] == {
        "owner": {"S": "ada"},
        "sequence": {"N": "1"},
        "text": {"S": "x"},
        "list": {"L": [{"N": "1"}, {"BOOL": True}, {"NULL": True}]},
    }
    assert decode(record["dynamodb"]["NewImage"]) == store.get("log", key(1))
    (parsed,) = DynamoDBStreamEvent({"Records": [record]}).records  # powertools reads it too
    assert parsed.dynamodb is not None
    assert parsed.dynamodb.new_image["text"] == "x"


def test_every_kind_of_change_has_its_name(store: SqliteStore, stream: Stream) -> None:
    store.write(entry(1, a=1))
    store.write(entry(1, a=2))
    store.write(Update("log", key(1), add={"a": 1}))
    store.write(Update("log", key(2), set={"a": 9}))
    store.write(Delete("log", key(1)))
    records = stream.read()
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "INSERT", "REMOVE"]
    assert [record["dynamodb"].get("NewImage", {}).get("a") for record in records] == [
        {"N": "1"},
        {"N": "2"},
        {"N": "3"},
        {"N": "9"},
        None,
    ]
    assert len({record["eventID"] for record in records}) == 5


def test_what_changes_nothing_leaves_no_record(store: SqliteStore, stream: Stream) -> None:
    store.write(entry(1, a=1))
    store.write(entry(1, a=1))
    store.write(Update("log", key(1), set={"a": 1}))
    store.write(Delete("log", key(2)))
    store.transact([Check("log", key(1), if_=Present("a"))])
    store.write(Put("quiet", {"id": "1"}))
    assert len(stream.read()) == 1


def test_what_was_not_committed_leaves_no_record(store: SqliteStore, stream: Stream) -> None:
    store.write(Put("quiet", {"id": "there"}))
    with pytest.raises(ConditionFailed):
        store.transact([entry(1), Put("quiet", {"id": "there"}, if_=Absent("id"))])
    assert stream.read() == []


def test_reading_goes_on_behind_a_sequence_number(store: SqliteStore, stream: Stream) -> None:
    store.transact([entry(n) for n in range(5)])
    first = stream.read(limit=2)
    rest = stream.read(after=numbers(first)[-1])
    assert [record["dynamodb"]["Keys"]["sequence"]["N"] for record in first + rest] == [
        "0",
        "1",
        "2",
        "3",
        "4",
    ]


def test_what_the_consumer_is_past_does_not_come_back(tmp_path: Path) -> None:
    with opened(tmp_path / "again.sqlite") as database:
        store = SqliteStore(database, (LOG,), ManualClock())
        store.transact([entry(n) for n in range(5)])
        seen = numbers(store.stream("log").read())
        store.stream("log").advance(seen[2])
    with opened(tmp_path / "again.sqlite") as database:
        store = SqliteStore(database, (LOG,), ManualClock())
        assert numbers(store.stream("log").read()) == seen[3:]


def test_a_sequence_number_is_never_given_out_twice(tmp_path: Path) -> None:
    with opened(tmp_path / "again.sqlite") as database:
        store = SqliteStore(database, (LOG,), ManualClock())
        store.write(entry(1))
        last = numbers(store.stream("log").read())[-1]
        store.stream("log").advance(last)
    with opened(tmp_path / "again.sqlite") as database:
        store = SqliteStore(database, (LOG,), ManualClock())
        store.write(entry(2))
        assert numbers(store.stream("log").read())[0] > last


def test_listeners_are_told_once_it_can_be_read(store: SqliteStore, stream: Stream) -> None:
    readable: list[int] = []
    stream.subscribe(lambda: readable.append(len(stream.read())))
    store.write(entry(1))
    store.transact([entry(2), entry(3), Put("quiet", {"id": "1"})])
    store.write(Put("quiet", {"id": "2"}))
    assert readable == [1, 3]


def test_a_reader_beside_many_writers_sees_each_change_once_in_order(
    store: SqliteStore, stream: Stream
) -> None:
    threads = [
        threading.Thread(
            target=lambda owner: [
                store.write(Put("log", {"owner": owner, "sequence": n})) for n in range(25)
            ],
            args=(f"owner{number}",),
        )
        for number in range(8)
    ]
    changed, seen, after = threading.Event(), list[dict[str, Any]](), 0
    stream.subscribe(changed.set)
    for thread in threads:
        thread.start()
    while len(seen) < 200:
        assert changed.wait(30)
        changed.clear()
        while records := stream.read(after, limit=7):
            after = numbers(records)[-1]
            stream.advance(after)
            seen += records
    for thread in threads:
        thread.join()
    by_owner: dict[str, list[int]] = {}
    for record in seen:
        keys = decode(record["dynamodb"]["Keys"])
        by_owner.setdefault(keys["owner"], []).append(keys["sequence"])
    assert by_owner == {f"owner{number}": list(range(25)) for number in range(8)}
    assert stream.read() == []
