"""The stream of one table: its changes in commit order, kept until its consumer is past them."""

import sqlite3
from collections.abc import Callable
from typing import Any, Literal

from infra.local.database import Database
from infra.local.store import items
from infra.local.store.layout import Layout, Row
from usher.adapters import dynamodb_json

Record = dict[str, Any]
Change = Literal["INSERT", "MODIFY", "REMOVE"]

REGION, ACCOUNT = "us-east-1", "000000000000"


class Stream:
    """Read by one consumer: `read`, hand the records to the function, `advance` past what it dealt with."""

    def __init__(self, database: Database, layout: Layout) -> None:
        self._database = database
        self._layout = layout
        self._table = f"stream_{layout.table.name}"
        self._key_columns = ",".join(layout.key_columns)
        values = ",".join("?" * len(layout.key_columns))
        self._insert = (
            f"INSERT INTO {self._table} (change,at,item,{self._key_columns}) VALUES (?,?,?,{values})"
        )
        self._listeners: list[Callable[[], None]] = []
        self.arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{layout.table.name}/stream/local"

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Create the stream's table. AUTOINCREMENT: a sequence number is never given out twice."""
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} (sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
            f" change TEXT NOT NULL, at REAL NOT NULL, item TEXT, {self._key_columns})"
        )

    def append(
        self, connection: sqlite3.Connection, change: Change, key: Row, text: str | None, at: float
    ) -> None:
        """Add a change to the commit that makes it. `text` is the new item, None for a REMOVE."""
        connection.execute(self._insert, (change, at, text, *key))

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` (short, from any thread) whenever a commit changed the table.

        What was committed before this process began is there without a call: read once at the start.
        """
        self._listeners.append(listener)

    def notify(self) -> None:
        """Tell the listeners that there is something to read."""
        for listener in self._listeners:
            listener()

    def read(self, after: int = 0, limit: int = 100) -> list[Record]:
        """Up to `limit` records behind this sequence number, shaped as a Lambda gets them from DynamoDB.

        What `advance` passed does not come back, so `read()` begins at the first that is not dealt with.
        """
        rows = self._database.reader().execute(
            f"SELECT sequence,change,at,item,{self._key_columns} FROM {self._table}"
            " WHERE sequence>? ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        return [self._record(*row) for row in rows]

    def advance(self, through: int) -> None:
        """The consumer has dealt with everything up to this sequence number: durable; trims the stream."""
        self._database.write(
            lambda connection: connection.execute(f"DELETE FROM {self._table} WHERE sequence<=?", (through,))
        )

    def _record(self, sequence: int, change: Change, at: float, text: str | None, *key: str | int) -> Record:
        table = self._layout.table
        names = (table.partition, table.sort) if table.sort else (table.partition,)
        dynamodb: dict[str, Any] = {
            "ApproximateCreationDateTime": at,
            "Keys": dynamodb_json.encode(dict(zip(names, key, strict=True))),
            "SequenceNumber": f"{sequence:021d}",  # digits of equal length, so that texts sort as numbers do
            "StreamViewType": "NEW_IMAGE",
            "SizeBytes": len(text or ""),
        }
        if text is not None:
            dynamodb["NewImage"] = dynamodb_json.encode(items.decode(text))
        return {
            "eventID": f"{table.name}-{sequence}",
            "eventName": change,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": dynamodb,
            "eventSourceARN": self.arn,
        }
