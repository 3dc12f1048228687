"""The group-commit database: durable when a write returns, work is atomic, neighbours are not touched."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from infra.local.database import MAX_GROUP, Database, Work, opened

PEOPLE = "CREATE TABLE people (name TEXT PRIMARY KEY, age INTEGER NOT NULL)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "test.sqlite", synchronous="OFF") as database:
        database.write(lambda connection: connection.execute(PEOPLE))
        yield database


def insert(name: str, age: int | None = 1, *, then: Exception | None = None) -> Work[str]:
    """Work that inserts a person, and raises afterwards when told to."""

    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO people VALUES (?,?)", (name, age))
        if then is not None:
            raise then
        return name

    return work


def names(database: Database) -> list[str]:
    rows = database.reader().execute("SELECT name FROM people ORDER BY name")
    return [row["name"] for row in rows]


class Held:
    """The writer thread held inside one piece of work, so that what is queued meanwhile shares a commit."""

    def __init__(self, database: Database) -> None:
        self._entered, self._release = threading.Event(), threading.Event()
        self.future: Future[bool] = database.submit(self._work)
        assert self._entered.wait(30)

    def _work(self, connection: sqlite3.Connection) -> bool:
        self._entered.set()
        return self._release.wait(30)

    def release(self) -> None:
        self._release.set()


def test_a_write_answers_what_its_work_returned_and_is_seen_by_every_reader(database: Database) -> None:
    assert database.write(insert("ada")) == "ada"
    assert names(database) == ["ada"]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(names, database).result() == ["ada"]


def test_work_that_raises_is_undone_and_its_error_comes_out(database: Database) -> None:
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        database.write(insert("ada", then=ZeroDivisionError("on purpose")))
    assert names(database) == []


def test_a_failing_neighbour_in_the_same_commit_harms_nobody(database: Database) -> None:
    held = Held(database)
    futures = [
        database.submit(insert("ada")),
        database.submit(insert("bob", then=KeyError("bob"))),
        database.submit(insert("ada", age=2)),  # breaks the primary key
        database.submit(insert("cyd", age=None)),  # breaks NOT NULL
        database.submit(insert("dan")),
    ]
    held.release()
    assert [type(future.exception()) for future in futures] == [
        type(None),
        KeyError,
        sqlite3.IntegrityError,
        sqlite3.IntegrityError,
        type(None),
    ]
    assert names(database) == ["ada", "dan"]


def test_nobody_is_told_before_the_commit_and_readers_see_all_of_it_or_nothing(database: Database) -> None:
    held = Held(database)
    first = database.submit(insert("ada"))
    assert not first.done()
    assert names(database) == []  # a reader does not wait for the writer
    held.release()
    assert first.result() == "ada"
    assert names(database) == ["ada"]


def test_work_queued_together_shares_a_commit(database: Database) -> None:
    held = Held(database)
    futures = [database.submit(insert(f"p{number:03}")) for number in range(MAX_GROUP)]
    visible: list[int] = []
    futures[0].add_done_callback(lambda _: visible.append(len(names(database))))
    held.release()
    futures[-1].result()
    assert visible == [MAX_GROUP]  # when the first was told, the last was stored too


def _note(ran: list[int], number: int, connection: sqlite3.Connection) -> None:
    ran.append(number)


def test_work_runs_in_the_order_it_was_queued(database: Database) -> None:
    ran: list[int] = []
    held = Held(database)
    futures = [database.submit(partial(_note, ran, number)) for number in range(2 * MAX_GROUP)]
    held.release()
    for future in futures:
        future.result()
    assert ran == list(range(2 * MAX_GROUP))


def test_writes_of_many_threads_all_arrive(database: Database) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: database.write(insert(f"p{number}")), range(200)))
    assert len(names(database)) == 200


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.reader().execute("INSERT INTO people VALUES ('ada', 1)")


def test_a_full_disk_fails_the_whole_commit_and_the_next_one_works(database: Database) -> None:
    pages = database.write(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    held = Held(database)
    database.submit(lambda c: c.execute(f"PRAGMA max_page_count={pages}"))
    futures = [database.submit(insert(name)) for name in ("ada", "b" * 100_000, "cyd")]
    held.release()
    assert isinstance(futures[1].exception(), sqlite3.OperationalError)
    told = [future.result() for future in futures if not future.exception()]
    assert names(database) == told  # whoever was told "done" is there, and nobody else
    database.write(lambda c: c.execute("PRAGMA max_page_count=1000000"))
    database.write(insert("dan"))
    assert "dan" in names(database)


def test_close_commits_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    database = Database(path)
    database.write(lambda connection: connection.execute(PEOPLE))
    held = Held(database)
    late = [database.submit(insert(f"p{number}")) for number in range(5)]
    closing = threading.Thread(target=database.close)
    closing.start()
    held.release()
    closing.join()
    assert [future.result(0) for future in late] == [f"p{number}" for number in range(5)]
    with pytest.raises(RuntimeError, match=r"test\.sqlite is closed"):
        database.write(insert("late"))
    database.close()  # a second time does nothing
    with opened(path) as again:
        assert len(names(again)) == 5


def test_a_write_that_returned_survives_the_death_of_the_process(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from infra.local.database import Database
database = Database(Path(sys.argv[1]))
database.write(lambda c: c.execute("CREATE TABLE people (name TEXT, age INTEGER)"))
database.write(lambda c: c.execute("INSERT INTO people VALUES ('ada', 1)"))
os._exit(9)
"""
    path, root = tmp_path / "test.sqlite", Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, check=False)
    assert ended.returncode == 9
    with opened(path) as database:
        assert names(database) == ["ada"]
