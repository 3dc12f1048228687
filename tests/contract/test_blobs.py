"""What every Blobs promises: S3 (through moto) and SQLite answer alike."""

from collections.abc import Iterator

import pytest

from infra.local.blobs import SqliteBlobs
from tests.contract.aws import REGION
from usher.adapters.s3_blobs import S3Blobs
from usher.domain.errors import StoreUnavailable
from usher.ports.blobs import Blobs
from usher.settings import Settings


@pytest.fixture(params=["sqlite", "s3"])
def blobs(request: pytest.FixtureRequest) -> Iterator[Blobs]:
    if request.param == "sqlite":
        yield SqliteBlobs(request.getfixturevalue("database"))
        return
    client = request.getfixturevalue("aws").client("s3")
    bucket = f"usher-{abs(hash(request.node.name))}"
    client.create_bucket(Bucket=bucket)
    yield S3Blobs(client, Settings(region=REGION, bucket=bucket))
    client.close()


@pytest.mark.parametrize("content", [b"", b"text", bytes(range(256)) * 5000])
def test_a_blob_comes_back_byte_for_byte(blobs: Blobs, content: bytes) -> None:
    blobs.put("exports/2026/täglich.csv", content, content_type="text/csv")
    assert blobs.get("exports/2026/täglich.csv") == content


def test_putting_again_replaces(blobs: Blobs) -> None:
    blobs.put("a", b"old", content_type="text/plain")
    blobs.put("a", b"new", content_type="application/json")
    assert blobs.get("a") == b"new"


def test_an_absent_key_is_none(blobs: Blobs) -> None:
    blobs.put("a/b", b"x", content_type="text/plain")
    assert blobs.get("a") is None
    assert blobs.get("A/B") is None


def test_a_file_that_cannot_be_used_is_an_outage(request: pytest.FixtureRequest) -> None:
    database = request.getfixturevalue("database")
    blobs = SqliteBlobs(database)
    database.write(lambda connection: connection.execute("DROP TABLE blob"))
    with pytest.raises(StoreUnavailable):
        blobs.put("a", b"x", content_type="text/plain")
    with pytest.raises(StoreUnavailable):
        blobs.get("a")


def test_a_bucket_that_is_not_there_stays_the_deployments_error(request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue("aws").client("s3")
    with pytest.raises(client.exceptions.NoSuchBucket):
        S3Blobs(client, Settings(bucket="usher-nowhere")).get("a")
    client.close()
