"""The group-commit database: what returned is stored, a culprit fails alone, batches share a statement."""

import queue
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.local.database import Batch, Database, opened

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


def test_a_closed_database_takes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    database.close()
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        database.submit(insert(1))


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path / "test.db") as database:
        database.write(run("CREATE TABLE t (n INTEGER)"))
        database.write(insert(7))
    with opened(tmp_path / "test.db") as database:
        assert numbers(database) == [7]
