"""The group-commit database: what returned is stored, a culprit fails alone, batches share a statement."""

import itertools
import queue
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.local.commit_group import Batch
from infra.local.database import Database, opened

CULPRIT_IS_THIRD = ["NoneType", "NoneType", "IntegrityError", "NoneType"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "test.db") as database:
        database.write(run("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
        yield database


def numbers(database: Database) -> list[int]:
    return [row["n"] for row in database.reader().execute("SELECT n FROM t ORDER BY n")]


def run(statement: str, *values: Any) -> Any:
    return lambda connection: connection.execute(statement, values).rowcount


def insert(n: int) -> Any:
    return run("INSERT INTO t VALUES (?)", n)


def test_a_write_that_returned_is_seen_by_every_reader(database: Database) -> None:
    assert database.write(insert(1)) == 1
    assert numbers(database) == [1]


def test_a_failing_write_undoes_itself_and_spares_its_neighbours(database: Database) -> None:
    futures = [database.submit(insert(n)) for n in (1, 2, 2, 3)]
    outcomes = [future.exception() for future in futures]
    assert [type(outcome).__name__ for outcome in outcomes] == CULPRIT_IS_THIRD
    assert numbers(database) == [1, 2, 3]


def _answer(answers: Any, position: int, error: BaseException | None) -> None:
    answers.put((position, error))


def batched(database: Database, values: list[int]) -> list[BaseException | None]:
    batch: Batch[int] = database.batch(
        "INSERT INTO t SELECT value FROM json_each(?)", lambda items: [f"[{','.join(map(str, items))}]"]
    )
    answers: queue.SimpleQueue[tuple[int, BaseException | None]] = queue.SimpleQueue()
    for position, value in enumerate(values):
        batch.submit(value, partial(_answer, answers, position))
    return [error for _, error in sorted((answers.get(timeout=20) for _ in values), key=lambda pair: pair[0])]


def test_of_work_that_was_run_again_each_counts_once(database: Database) -> None:
    held: Future[None] = Future()
    futures = [
        database.submit(lambda _: held.result(timeout=20)),
        *(database.submit(insert(n)) for n in (1, 1, 2)),
    ]
    held.set_result(None)
    failed = [future.exception(timeout=20) for future in futures]
    assert [type(failure).__name__ for failure in failed] == [
        "NoneType",
        "NoneType",
        "IntegrityError",
        "NoneType",
    ]
    assert [future.result() for future in futures if not future.exception()] == [None, 1, 1]
    assert numbers(database) == [1, 2]


def test_a_batch_stores_all_its_items(database: Database) -> None:
    assert batched(database, [1, 2, 3]) == [None, None, None]
    assert numbers(database) == [1, 2, 3]


def test_the_culprit_of_a_batch_fails_alone(database: Database) -> None:
    held: Future[None] = Future()
    database.submit(lambda _: held.result(timeout=20))  # so that the batch gathers behind it
    batch: Batch[int] = database.batch(
        "INSERT INTO t SELECT value FROM json_each(?)", lambda items: [f"[{','.join(map(str, items))}]"]
    )
    answers: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    for value in (1, 2, 2, 3):
        batch.submit(value, answers.put)
    held.set_result(None)
    failures = [answers.get(timeout=20) for _ in range(4)]
    assert [type(failure).__name__ for failure in failures] == CULPRIT_IS_THIRD
    assert numbers(database) == [1, 2, 3]


def test_batches_and_writes_share_a_commit(database: Database) -> None:
    assert batched(database, [1]) == [None]
    futures = [database.submit(insert(n)) for n in (2, 3)]
    assert batched(database, [4, 5]) == [None, None]
    assert [future.result() for future in futures] == [1, 1]
    assert numbers(database) == [1, 2, 3, 4, 5]


def test_a_file_that_somebody_else_holds_refuses_and_works_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db", busy_seconds=0.01)
    database.write(run("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        database.write(insert(1))
    other.execute("ROLLBACK")
    other.close()
    database.write(insert(2))
    assert numbers(database) == [2]
    database.close()


def test_a_closed_database_takes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    database.close()
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        database.submit(insert(1))
    with pytest.raises(RuntimeError, match="closed"):
        database.write(insert(1))


def test_a_batch_of_a_closed_database_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    batch: Batch[int] = database.batch("SELECT ?", lambda items: items[:1])
    database.close()
    failures: list[BaseException | None] = []
    batch.submit(1, failures.append)
    assert [str(failure) for failure in failures] == ["test.db is closed"]


def test_a_close_strands_nobody(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db", synchronous="OFF")
    database.write(run("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    batch: Batch[int] = database.batch(
        "INSERT INTO t SELECT value FROM json_each(?)", lambda items: [f"[{','.join(map(str, items))}]"]
    )
    stored: queue.SimpleQueue[int] = queue.SimpleQueue()
    under_way = threading.Semaphore(0)

    def write_until_closed(first: int) -> None:
        for n in itertools.count(first, 2):
            outcome: Future[BaseException | None] = Future()
            batch.submit(n, outcome.set_result)
            try:
                database.write(insert(n + 1))
            except RuntimeError:
                return
            stored.put(n + 1)
            if outcome.result(timeout=20) is None:
                stored.put(n)
            under_way.release()

    with ThreadPoolExecutor(8) as pool:
        ends = [pool.submit(write_until_closed, number * 1_000_000) for number in range(8)]
        for _ in range(50):
            assert under_way.acquire(timeout=20)
        database.close()
        for end in ends:
            end.result(timeout=20)
    with opened(tmp_path / "test.db") as reopened:
        told = {stored.get_nowait() for _ in range(stored.qsize())}
        assert told <= set(numbers(reopened))


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path / "test.db") as database:
        database.write(run("CREATE TABLE t (n INTEGER)"))
        database.write(insert(7))
    with opened(tmp_path / "test.db") as database:
        assert numbers(database) == [7]
