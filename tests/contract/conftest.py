"""Both deployments' adapters as fixtures: moto behind the AWS ones, one SQLite file behind the local ones."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.catalog import Index, Table
from infra.local.database import Database, opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.contract.aws import REGION, create_tables
from usher.adapters.aws_platform import AwsPlatform
from usher.adapters.dynamodb_store import DynamoDbStore
from usher.ports.store import Store
from usher.settings import Settings

NOTES = Table(
    "notes",
    "One text key; indexes with and without a sort key, and such as hold a part of an item.",
    "note_id",
    indexes=(
        Index("by_owner", "owner", "written_at"),
        Index("by_tag", "tag"),
        Index("by_shelf", "shelf", "written_at", projects=("title",)),
        Index("by_colour", "colour", projects=()),
    ),
    expires="expires_at",
)
LOG = Table("log", "A number as sort key.", "owner", sort="sequence", sort_is_number=True, streamed=True)
SHELF = Table("shelf", "A text as sort key.", "room", sort="title")
IDEMPOTENCY = Table("idempotency", "As in the catalog.", "id", expires="expiration")
TABLES = (NOTES, LOG, SHELF, IDEMPOTENCY)

_numbers = itertools.count()


@pytest.fixture(scope="session")
def aws() -> Iterator[boto3.session.Session]:
    """A session whose clients talk to moto."""
    with mock_aws():
        yield boto3.session.Session(region_name=REGION)


@pytest.fixture(scope="session")
def dynamodb(aws: boto3.session.Session) -> Iterator[Any]:
    client = AwsPlatform(Settings(region=REGION)).client("dynamodb")
    yield client
    client.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        yield database


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """The same empty tables in both stores."""
    if request.param == "sqlite":
        return SqliteStore(request.getfixturevalue("database"), TABLES, ManualClock())
    client = request.getfixturevalue("dynamodb")
    return DynamoDbStore(client, create_tables(client, TABLES, prefix=f"t{next(_numbers)}-"))
