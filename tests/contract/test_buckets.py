"""Buckets take their slots alike from DynamoDB and from SQLite."""

import itertools

import pytest

from infra.catalog import Table
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.contract.aws import create_tables
from usher.adapters.dynamodb_store import DynamoDbStore
from usher.domain.admission import SECOND, Rate, Rates
from usher.domain.errors import VendorUnavailable
from usher.ports.store import Store
from usher.records.buckets import Buckets

BUCKETS = Table("buckets", "As in the catalog.", "bucket")
RATES = Rates(buckets={"vendor": Rate(calls=10)})
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "dynamodb"])
def shelf(request: pytest.FixtureRequest) -> Store:
    """A store with an empty table of buckets."""
    if request.param == "sqlite":
        return SqliteStore(request.getfixturevalue("database"), (BUCKETS,), ManualClock())
    client = request.getfixturevalue("dynamodb")
    return DynamoDbStore(client, create_tables(client, [BUCKETS], prefix=f"b{next(_numbers)}-"))


def test_lines_lanes_and_refusals_come_out_alike(shelf: Store) -> None:
    clock = ManualClock()
    one, other = Buckets(shelf, RATES, clock), Buckets(shelf, RATES, clock)
    places = one.book("vendor", 1, 2)[0] + other.book("vendor", 1, 1)[0]
    assert [one.pass_line("vendor", "reserved"), other.pass_line("vendor", "reserved")] == [0.0, 0.5]
    row = other.row("vendor")
    assert [one.due("vendor", place, row) - one.now() for place in places] == [200_000, 300_000, 400_000]
    clock.advance(60)  # idle: the next slot is now
    assert other.book("vendor", 1, 1)[1]["line"] == one.now() + SECOND // 10
    other.refused("vendor", retry_after=5)
    one.refused("vendor", retry_after=5)
    with pytest.raises(VendorUnavailable) as caught:
        one.pass_line("vendor", "main")
    assert caught.value.retry_after == 5
    assert one.row("vendor")["strain"] == 125
