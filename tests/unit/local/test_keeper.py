"""The keepers: what came in is stored and queued, or neither if somebody was faster; in one commit or two."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.catalog import Queue, Table
from infra.local.database import Database, opened
from infra.local.keeper import OneCommit
from infra.local.manual_clock import ManualClock
from infra.local.queues import LocalQueue
from infra.local.sqlite_store import SqliteStore
from usher.adapters.store_then_queue import StoreThenQueue
from usher.domain.errors import StoreUnavailable
from usher.ports.keeper import Keeper
from usher.ports.queue import Message
from usher.ports.store import Absent, ConditionFailed, Equals, Put

TABLES = (Table("notes", "", "note_id"), Table("names", "", "name"))
QUEUES = (
    Queue("work", "", consumer="intake/dispatch_signup", visibility_seconds=30, max_receives=3),
    Queue("in-order", "", consumer="billing/sync_stripe", visibility_seconds=30, max_receives=3, fifo=True),
)


@dataclass
class Place:
    database: Database
    store: SqliteStore
    queue: LocalQueue
    keeper: Keeper

    def queued(self, queue: str = "work") -> list[str]:
        return [message.body for message in self.queue.receive(queue)]


@pytest.fixture(params=["one commit", "two steps"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        clock = ManualClock()
        store, queue = SqliteStore(database, TABLES, clock), LocalQueue(database, QUEUES, clock)
        keepers = {
            "one commit": OneCommit(database, store, queue),
            "two steps": StoreThenQueue(store, queue),
        }
        yield Place(database, store, queue, keepers[request.param])


def note(id: str = "n1") -> Put:
    return Put("notes", {"note_id": id}, if_=Absent("note_id"))


def name(name: str) -> Put:
    return Put("names", {"name": name}, if_=Absent("name"))


def test_what_is_kept_is_stored_and_queued(place: Place) -> None:
    place.keeper.keep([note(), name("ada")], "work", Message({"id": "n1"}))
    assert place.store.get("notes", {"note_id": "n1"}) and place.store.get("names", {"name": "ada"})
    assert place.queued() == ['{"id":"n1"}']


def test_who_comes_second_stores_and_queues_nothing_and_learns_what_is_there(place: Place) -> None:
    place.keeper.keep([note("n1"), name("ada")], "work", Message({"id": "n1"}))
    with pytest.raises(ConditionFailed) as refused:
        place.keeper.keep([note("n2"), name("ada")], "work", Message({"id": "n2"}))
    assert refused.value.failed == {1: {"name": "ada"}}
    assert place.store.get("notes", {"note_id": "n2"}) is None
    assert place.queued() == ['{"id":"n1"}']


def test_of_twenty_at_once_one_is_kept(place: Place) -> None:
    barrier, refused = threading.Barrier(20), list[BaseException]()

    def keep(number: int) -> None:
        barrier.wait()
        try:
            place.keeper.keep([note(f"n{number}"), name("ada")], "work", Message({"id": number}))
        except ConditionFailed as error:
            refused.append(error)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), len(place.queued())) == (19, 1)
    assert sum(place.store.get("notes", {"note_id": f"n{n}"}) is not None for n in range(20)) == 1


def test_a_write_that_replaces_something_is_kept_too(place: Place) -> None:
    place.store.write(Put("names", {"name": "ada", "of": "n0"}))
    taken = Put("names", {"name": "ada", "of": "n1"}, if_=Equals("of", "n0"))
    place.keeper.keep([note(), taken], "work", Message({"id": "n1"}))
    assert place.store.get("names", {"name": "ada"}) == {"name": "ada", "of": "n1"}
    assert len(place.queued()) == 1


def test_a_fifo_queue_takes_the_same_id_once_in_five_minutes(place: Place) -> None:
    for id in ("n1", "n2"):
        place.keeper.keep([note(id)], "in-order", Message({"id": id}, group="g", deduplication_id="same"))
    assert place.store.get("notes", {"note_id": "n2"}) is not None
    assert place.queued("in-order") == ['{"id":"n1"}']


def test_what_is_kept_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    with opened(tmp_path / "usher.sqlite") as database:
        store, queue = SqliteStore(database, TABLES, clock), LocalQueue(database, QUEUES, clock)
        OneCommit(database, store, queue).keep([note()], "work", Message({"id": "n1"}))
    with opened(tmp_path / "usher.sqlite") as database:
        assert SqliteStore(database, TABLES, clock).get("notes", {"note_id": "n1"}) is not None
        assert len(LocalQueue(database, QUEUES, clock).receive("work")) == 1


def test_a_closed_file_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    with opened(tmp_path / "usher.sqlite") as database:
        store, queue = (
            SqliteStore(database, TABLES, ManualClock()),
            LocalQueue(database, QUEUES, ManualClock()),
        )
    with pytest.raises(StoreUnavailable, match="nothing could be kept"):
        OneCommit(database, store, queue).keep([note()], "work", Message({"id": "n1"}))
