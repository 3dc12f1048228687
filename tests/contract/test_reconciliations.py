"""Reconciliations keep their runs, and read what they compare, alike on DynamoDB and on SQLite."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from infra import catalog
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.contract.aws import create_tables
from usher.adapters.dynamodb_store import DynamoDbStore
from usher.domain import times
from usher.domain.reconciliation import Difference
from usher.domain.reconciliation_pages import slices
from usher.ports.billing_facts import InvoiceSnapshot
from usher.ports.store import ConditionFailed, Put, Store
from usher.records.billing_rows import row_of
from usher.records.created import Created
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations, Run

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
TABLES = [table for table in catalog.TABLES if table.name in ("invoices", "reconciliations", "mismatches")]
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "dynamodb"])
def shelf(request: pytest.FixtureRequest) -> Store:
    """A store with the empty tables of the catalog."""
    if request.param == "sqlite":
        return SqliteStore(request.getfixturevalue("database"), TABLES, ManualClock())
    client = request.getfixturevalue("dynamodb")
    return DynamoDbStore(client, create_tables(client, TABLES, prefix=f"r{next(_numbers)}-"))


def invoice(number: int) -> InvoiceSnapshot:
    return InvoiceSnapshot(
        invoice_id=f"in_{number}",
        customer_id="cus_1",
        subscription_id=None,
        status="paid",
        currency="usd",
        amount_due_minor=1900,
        amount_paid_minor=1900,
        created_at=NOON + timedelta(seconds=number),
    )


def run(id: str) -> Run:
    now = times.text(NOON)
    more = {"started_at": now, "started_by": "bob", "role": "billing", "correlation_id": id}
    return Run(run_id=id, state="running", until=now, heal=False, execution=id, **more)


def test_copies_are_read_by_the_time_of_their_making_with_all_that_is_compared(shelf: Store) -> None:
    for number in range(5):
        shelf.write(Put("invoices", row_of("invoices", invoice(number), "acc_1", None) | {"version": 1}))
    created, upto = Created(shelf), times.text(NOON + timedelta(seconds=3))
    first = created.page("invoice", since=times.text(NOON), upto=upto, limit=3)
    rest = created.page("invoice", since=times.text(NOON), upto=upto, limit=3, cursor=first.cursor)
    assert [each.object_id for each in (*first.sides, *rest.sides)] == ["in_3", "in_2", "in_1", "in_0"]
    assert (first.reached, rest.reached) == (times.text(NOON + timedelta(seconds=1)), None)
    assert first.sides[0] == created.find("invoice", "in_3")


def test_a_run_has_its_place_alone_and_gives_it_back(shelf: Store) -> None:
    runs, one, other = Reconciliations(shelf), run("rec_1"), run("rec_2")
    runs.start(one, instead_of=None)
    with pytest.raises(ConditionFailed):
        runs.start(other, instead_of=None)
    runs.start(other, instead_of=runs.find("rec_1"))
    dead = runs.find("rec_1")
    assert dead is not None
    assert (dead.state, runs.running()) == ("failed", other)
    runs.write([runs.freeing(other), runs.changing(other, state="done")])
    assert runs.running() is None
    assert {each.run_id: each.state for each in runs.page(limit=10, cursor=None)[0]} == {
        "rec_1": "failed",
        "rec_2": "done",
    }


def test_a_slice_moves_once_with_what_was_suspected_until_it_was_looked_at(shelf: Store) -> None:
    runs, one = Reconciliations(shelf), run("rec_1")
    runs.start(one, instead_of=None)
    planned = slices({"invoice": NOON - timedelta(days=40)}, NOON)
    for _ in range(2):
        runs.plan(runs.find("rec_1") or one, planned, now=NOON)
    first = next(runs.slices("rec_1"))
    shelf.write(Put("invoices", row_of("invoices", invoice(1), "acc_1", None) | {"version": 1}))
    found = Difference(kind="missing_remote", there=None, here=Created(shelf).find("invoice", "in_1"))
    runs.advance("rec_1", first, first.moved(state="done", compared=7), [found], now=NOON)
    with pytest.raises(ConditionFailed):
        runs.advance("rec_1", first, first.moved(state="done", compared=7), [found], now=NOON)
    (suspicion,) = runs.suspicions("rec_1", limit=10)
    mismatches = Mismatches(shelf)
    row, write = mismatches.filing("rec_1", "invoice", found, reason="gone", now=NOON)
    runs.write([write, runs.finding("rec_1", row), runs.settling(suspicion)])
    assert runs.suspicions("rec_1", limit=10) == []
    assert list(runs.found("rec_1")) == [row] == mismatches.page("open", limit=10)[0]
    assert [each.compared for each in runs.slices("rec_1")].count(7) == 1
