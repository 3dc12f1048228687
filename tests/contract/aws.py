"""The catalog's tables in moto, as infra/aws would deploy them."""

from collections.abc import Iterable
from typing import Any

from infra.catalog import Index, Table
from usher.settings import Settings

REGION = "us-east-1"


def create_tables(client: Any, tables: Iterable[Table], *, prefix: str = "") -> Settings:
    """Create the tables with a DynamoDB client; returns settings that hold their physical names."""
    names = {table.name: prefix + table.name for table in tables}
    for table in tables:
        client.create_table(TableName=names[table.name], **definition(table))
        if table.expires:
            client.update_time_to_live(
                TableName=names[table.name],
                TimeToLiveSpecification={"Enabled": True, "AttributeName": table.expires},
            )
    return Settings(region=REGION, tables={name.replace("-", "_"): real for name, real in names.items()})


def definition(table: Table) -> dict[str, Any]:
    """The table's keys, indexes and stream as CreateTable takes them."""
    types = {table.partition: "S"}
    if table.sort:
        types[table.sort] = "N" if table.sort_is_number else "S"
    for index in table.indexes:
        types |= {name: "S" for name in (index.partition, index.sort) if name and name not in types}
    request: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _keys(table.partition, table.sort),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
        ],
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.partition, index.sort),
                "Projection": _projection(index),
            }
            for index in table.indexes
        ]
    if table.streamed:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    return request


def _keys(partition: str, sort: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def _projection(index: Index) -> dict[str, Any]:
    if index.projects is None:
        return {"ProjectionType": "ALL"}
    if not index.projects:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projects)}
