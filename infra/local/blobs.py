"""The blobs port on one machine: a table of the same SQLite file."""

import sqlite3

from infra.local.database import Database
from usher.domain.errors import StoreUnavailable


class SqliteBlobs:
    """Implements usher.ports.blobs.Blobs. Raises StoreUnavailable when the file cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.write(
            lambda connection: connection.execute(
                "CREATE TABLE IF NOT EXISTS blob (key TEXT PRIMARY KEY, content_type TEXT NOT NULL,"
                " content BLOB NOT NULL)"
            )
        )

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        try:
            self._database.write(
                lambda connection: connection.execute(
                    "INSERT OR REPLACE INTO blob VALUES (?,?,?)", (key, content_type, content)
                )
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the blob cannot be written: {error}") from error

    def get(self, key: str) -> bytes | None:
        try:
            row = self._database.reader().execute("SELECT content FROM blob WHERE key=?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the blob cannot be read: {error}") from error
        return None if row is None else bytes(row[0])
