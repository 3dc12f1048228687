"""The SQLite store beyond the port: strict types, expiry, durability, and threads that race."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.catalog import Index, Table
from infra.local.database import Database, opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import EXPIRED_PER_COMMIT, SqliteStore
from usher.domain.errors import StoreUnavailable
from usher.ports.store import (
    Absent,
    AtMost,
    Condition,
    ConditionFailed,
    Equals,
    Key,
    OneOf,
    Put,
    StoreRefused,
    Update,
)

NOTES = Table(
    "notes", "", "note_id", indexes=(Index("by_owner", "owner", "written_at"),), expires="expires_at"
)
LOG = Table("log", "", "owner", sort="sequence", sort_is_number=True, streamed=True)
KEY = {"note_id": "n1"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        yield database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(database: Database, clock: ManualClock) -> SqliteStore:
    return SqliteStore(database, (NOTES, LOG), clock)


def together(count: int, work: Callable[[int], object]) -> list[BaseException]:
    """Run `work(0..count-1)` on threads that start at the same moment; returns what they raised."""
    barrier, raised = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except ConditionFailed as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


# -- strict as DynamoDB, where moto is lax (API reference: Condition, KeysAndAttributes, Limits) -------------


@pytest.mark.parametrize(
    "condition",
    [
        Equals("other", None),
        Equals("yes", 1),
        Equals("number", True),
        Equals("number", "5"),
        Equals("list", [1, {"a": 1}]),
        OneOf("other", (None,)),
        OneOf("yes", (1, "True")),
        AtMost("number", "9"),
        AtMost("yes", 4),
        AtMost("nothing", 4),
    ],
)
def test_types_are_never_confused(store: SqliteStore, condition: Condition) -> None:
    store.write(
        Put("notes", {**KEY, "number": 5, "yes": True, "nothing": None, "list": [1, {"a": True}], "one": 1})
    )
    with pytest.raises(ConditionFailed):
        store.write(Update("notes", KEY, set={"done": 1}, if_=condition))


@pytest.mark.parametrize("owner", [None, 1, True, ["x"], "", "x" * 2049])
def test_an_index_attribute_of_another_type_is_refused(store: SqliteStore, owner: Any) -> None:
    with pytest.raises(StoreRefused, match="owner"):
        store.write(Put("notes", {**KEY, "owner": owner, "written_at": "2026"}))
    with pytest.raises(StoreRefused, match="owner"):
        store.write(Put("notes", {**KEY, "owner": owner}))
    store.write(Put("notes", {**KEY, "owner": "ada", "written_at": "2026"}))
    with pytest.raises(StoreRefused, match="owner"):
        store.write(Update("notes", KEY, set={"owner": owner}))
    assert store.get("notes", KEY) == {**KEY, "owner": "ada", "written_at": "2026"}


@pytest.mark.parametrize(
    "key", [{"note_id": ""}, {"note_id": "n1", "other": "x"}, {"note_id": True}, {"owner": "n1"}]
)
def test_a_key_that_is_not_the_tables_is_refused(store: SqliteStore, key: Key) -> None:
    with pytest.raises(StoreRefused):
        store.get("notes", key)
    with pytest.raises(StoreRefused):
        store.write(Update("notes", key, set={"a": 1}))


@pytest.mark.parametrize(
    ("partition", "options"),
    [
        (Equals("owner", 1), {}),
        (Equals("owner", ""), {}),
        (Equals("owner", "ada"), {"sort": AtMost("sequence", "1")}),
        (Equals("owner", "ada"), {"index": "by_nothing"}),
    ],
)
def test_a_query_of_wrong_types_is_refused(
    store: SqliteStore, partition: Equals, options: dict[str, Any]
) -> None:
    with pytest.raises(StoreRefused):
        store.query("log", partition, **options)


@pytest.mark.parametrize(("filler", "width"), [("x", 1), ("é", 2), ("😀", 4)])
def test_an_item_of_exactly_400_kb_is_the_largest(store: SqliteStore, filler: str, width: int) -> None:
    room = 400 * 1024 - len("note_id") - len("n1") - len("text")
    text = filler * (room // width) + "x" * (room % width)
    store.write(Put("notes", {**KEY, "text": text}))
    with pytest.raises(StoreRefused, match="409601 bytes"):
        store.write(Put("notes", {**KEY, "text": text + "x"}))


def test_a_transaction_of_more_than_4_mb_is_refused(store: SqliteStore) -> None:
    with pytest.raises(StoreRefused, match="4 MB"):
        store.transact([Put("notes", {"note_id": f"n{n}", "text": "x" * 399_000}) for n in range(11)])


def test_a_table_that_the_catalog_lacks_is_named(store: SqliteStore) -> None:
    with pytest.raises(KeyError, match="lists no table nowhere"):
        store.get("nowhere", KEY)


# -- time to live --------------------------------------------------------------------------------------------


def test_expire_deletes_what_is_due_and_nothing_else(store: SqliteStore, clock: ManualClock) -> None:
    now = int(clock.wall().timestamp())
    for name, expires in {
        "past": now - 1,
        "now": now,
        "later": now + 60,
        "text": "soon",
        "never": None,
    }.items():
        store.write(Put("notes", {"note_id": name, "expires_at": expires}))
    assert store.get("notes", {"note_id": "past"}) is not None  # late, as on AWS
    assert store.expire() == 2
    assert store.get("notes", {"note_id": "past"}) is None
    assert store.get("notes", {"note_id": "now"}) is None
    clock.advance(60)
    assert store.expire() == 1
    assert store.expire() == 0
    assert store.get("notes", {"note_id": "text"}) is not None
    assert store.get("notes", {"note_id": "never"}) is not None


def test_an_update_moves_the_expiry(store: SqliteStore, clock: ManualClock) -> None:
    now = int(clock.wall().timestamp())
    store.write(Put("notes", {**KEY, "expires_at": now}))
    store.write(Update("notes", KEY, set={"expires_at": now + 60}))
    assert store.expire() == 0
    store.write(Update("notes", KEY, remove=("expires_at",)))
    clock.advance(3600)
    assert store.expire() == 0


def test_a_long_list_of_expired_items_goes_in_several_commits(store: SqliteStore) -> None:
    for start in range(0, EXPIRED_PER_COMMIT + 100, 100):
        store.transact([Put("notes", {"note_id": f"n{start + n}", "expires_at": 1}) for n in range(100)])
    assert store.expire() == EXPIRED_PER_COMMIT
    assert store.expire() == 100
    assert store.expire() == 0


def test_expired_items_of_a_streamed_table_appear_in_its_stream(
    database: Database, clock: ManualClock
) -> None:
    table = Table("leases", "", "lease", expires="until", streamed=True)
    store = SqliteStore(database, (table,), clock)
    store.write(Put("leases", {"lease": "a", "until": 1}))
    store.expire()
    records = store.stream("leases").read()
    assert [record["eventName"] for record in records] == ["INSERT", "REMOVE"]
    assert records[1]["dynamodb"]["Keys"] == {"lease": {"S": "a"}}


# -- durability ----------------------------------------------------------------------------------------------


def test_everything_is_there_after_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    with opened(tmp_path / "usher.sqlite") as database:
        store = SqliteStore(database, (NOTES, LOG), clock)
        store.transact(
            [
                Put("notes", {**KEY, "owner": "ada", "written_at": "2026"}),
                Put("log", {"owner": "ada", "sequence": 1}),
            ]
        )
    with opened(tmp_path / "usher.sqlite") as database:
        store = SqliteStore(database, (NOTES, LOG), clock)
        assert store.get("notes", KEY) == {**KEY, "owner": "ada", "written_at": "2026"}
        assert len(store.query("notes", Equals("owner", "ada"), index="by_owner").items) == 1
        assert len(store.stream("log").read()) == 1


def test_an_index_the_catalog_gained_holds_the_items_of_before(
    database: Database, clock: ManualClock
) -> None:
    before = SqliteStore(database, (Table("notes", "", "note_id"),), clock)
    before.write(Put("notes", {**KEY, "owner": "ada", "written_at": "2026"}))
    before.write(Put("notes", {"note_id": "n2", "owner": "ada"}))
    after = SqliteStore(database, (NOTES,), clock)
    page = after.query("notes", Equals("owner", "ada"), index="by_owner")
    assert page.items == [{**KEY, "owner": "ada", "written_at": "2026"}]


def test_a_file_that_cannot_be_used_is_an_outage(store: SqliteStore, database: Database) -> None:
    database.write(lambda connection: connection.execute("DROP TABLE item_notes"))
    with pytest.raises(StoreUnavailable):
        store.write(Put("notes", KEY))
    with pytest.raises(StoreUnavailable):
        store.get("notes", KEY)
    with pytest.raises(StoreUnavailable):
        store.query("notes", Equals("note_id", "n1"))


# -- races ---------------------------------------------------------------------------------------------------


def test_of_twenty_threads_one_creates_the_item(store: SqliteStore) -> None:
    losers = together(
        20, lambda number: store.write(Put("notes", {**KEY, "winner": number}, if_=Absent("note_id")))
    )
    item = store.get("notes", KEY)
    assert item is not None
    assert len(losers) == 19
    assert all(isinstance(loser, ConditionFailed) and loser.failed == {0: item} for loser in losers)


def test_counters_of_twenty_threads_add_up(store: SqliteStore) -> None:
    def count(number: int) -> None:
        for _ in range(10):
            store.write(Update("notes", KEY, add={"count": 1}))

    assert together(20, count) == []
    item = store.get("notes", KEY)
    assert item is not None
    assert item["count"] == 200


def test_a_version_lets_one_of_twenty_readers_write(store: SqliteStore) -> None:
    store.write(Put("notes", {**KEY, "version": 1}))
    losers = together(
        20,
        lambda number: store.transact(
            [
                Update("notes", KEY, set={"version": 2, "by": number}, if_=Equals("version", 1)),
                Put("log", {"owner": "ada", "sequence": number}),
            ]
        ),
    )
    item = store.get("notes", KEY)
    assert item is not None
    assert len(losers) == 19
    assert store.query("log", Equals("owner", "ada")).items == [{"owner": "ada", "sequence": item["by"]}]


def test_every_thread_reads_what_it_wrote(store: SqliteStore) -> None:
    missed: list[int] = []

    def write_and_read(number: int) -> None:
        for turn in range(20):
            store.write(Put("notes", {"note_id": f"n{number}", "turn": turn}))
            if store.get("notes", {"note_id": f"n{number}"}) != {"note_id": f"n{number}", "turn": turn}:
                missed.append(number)

    together(8, write_and_read)
    assert missed == []


def creation(note_id: str, text: str = "") -> Put:
    return Put("notes", {"note_id": note_id, "text": text}, if_=Absent("note_id"))


def test_of_creations_in_one_commit_only_those_fail_that_met_another(
    database: Database, store: SqliteStore
) -> None:
    store.write(creation("taken"))
    go_on = threading.Event()
    held = database.submit(lambda _: go_on.wait(timeout=20))  # so that the creations gather behind it
    queued = threading.Barrier(9)

    def create(number: int) -> None:
        queued.wait()
        if number == 8:
            go_on.set()
        elif number < 2:
            store.transact([creation(f"new-{number}"), creation("taken", f"by {number}")])
        else:
            store.transact([creation(f"new-{number}"), creation(f"other-{number}")])

    raised = together(9, create)
    assert held.result(timeout=20)
    failures = [error.failed for error in raised if isinstance(error, ConditionFailed)]
    assert failures == [{1: {"note_id": "taken", "text": ""}}] * 2
    found = [number for number in range(8) if store.get("notes", {"note_id": f"new-{number}"})]
    assert found == [2, 3, 4, 5, 6, 7]


def test_more_creations_than_fit_a_statement_are_all_made(store: SqliteStore) -> None:
    raised = together(4, lambda n: store.transact([creation(f"{n}-{each}") for each in range(50)]))
    assert raised == []
    assert all(store.get("notes", {"note_id": f"{n}-{each}"}) for n in range(4) for each in range(50))


@pytest.mark.parametrize(
    "writes",
    [
        [Update("notes", KEY, set={"a": 2}, if_=Equals("a", 9))],
        [Update("notes", KEY, set={"a": 2}, if_=Equals("a", 9)), Put("notes", {"note_id": "n2"})],
        [Put("notes", KEY, if_=Absent("note_id")), Put("log", {"owner": "o", "sequence": 1})],
    ],
    ids=["one write", "a transaction", "a creation and more"],
)
def test_who_loses_a_race_makes_no_neighbour_in_its_commit_begin_anew(
    database: Database, store: SqliteStore, writes: list[Put | Update]
) -> None:
    """A condition that fails before anything was written leaves nothing to undo."""
    store.write(Put("notes", {**KEY, "a": 1}))
    began, held, runs = threading.Event(), threading.Event(), list[int]()

    def hold(_: object) -> None:
        began.set()
        held.wait(10)

    database.submit(hold)
    began.wait()  # what is queued from now on shares one commit
    neighbour = database.submit(lambda _: runs.append(1))
    losing = threading.Thread(target=lambda: pytest.raises(ConditionFailed, store.transact, writes))
    losing.start()
    while database._work.qsize() < 2:
        pass
    held.set()
    neighbour.result()
    losing.join()
    assert runs == [1]
    assert store.get("notes", KEY) == {**KEY, "a": 1}
    assert store.get("notes", {"note_id": "n2"}) is None


def test_a_sum_beyond_38_digits_is_refused_and_leaves_the_item_as_it_was(store: SqliteStore) -> None:
    largest = 10**38 - 1
    store.write(Put("notes", {**KEY, "a": largest}))
    with pytest.raises(StoreRefused, match="38 digits"):
        store.write(Update("notes", KEY, add={"a": 1}))
    assert store.get("notes", KEY) == {**KEY, "a": largest}
