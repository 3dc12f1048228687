"""How a table of the catalog lies in SQLite: key columns, the JSON text, a column per index attribute."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from infra import catalog
from infra.local.store import items
from usher.adapters.dynamodb_json import check_text
from usher.ports.store import Equals, Item, Key, SortCondition, StoreRefused

Row = tuple[Any, ...]

MAX_PARTITION, MAX_SORT = 2048, 1024  # bytes, DynamoDB's limits for the values of a key
MAX_INTEGER_KEY = 2**63  # SQLite's integers; far above any sequence


@dataclass(frozen=True, slots=True)
class Path:
    """What a query walks: a table or one of its indexes; `order` is what sorts inside a partition."""

    partition: str
    partition_column: str
    sort: str | None
    sort_column: str | None
    order: tuple[tuple[str, str], ...]  # (column, attribute)
    holds: frozenset[str] | None = None  # attributes a query answers; None: all

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes a cursor of this path holds."""
        return frozenset((self.partition, *(attribute for _, attribute in self.order)))


class Layout:
    """One table: its SQL, and the rows its items become."""

    def __init__(self, table: catalog.Table) -> None:
        self.table = table
        self.name = f"item_{table.name}"
        self._sort_type = int if table.sort_is_number else str
        keys = [("pk", table.partition)] + ([("sk", table.sort)] if table.sort else [])
        self.key_columns = [column for column, _ in keys]
        self._index_columns = [
            (f"{index.name}_{part}", attribute)
            for index in table.indexes
            for part, attribute in (("p", index.partition), ("s", index.sort))
            if attribute
        ]
        columns = [*self.key_columns, "item", "expires", *(column for column, _ in self._index_columns)]
        match = " AND ".join(f"{column}=?" for column in self.key_columns)
        self.select = f"SELECT item FROM {self.name} WHERE {match}"
        self.delete = f"DELETE FROM {self.name} WHERE {match}"
        insert = (
            f"INSERT INTO {self.name} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})"
            f" ON CONFLICT ({','.join(self.key_columns)}) DO "
        )
        self.insert = insert + "NOTHING"
        self._one_row = f"({','.join('?' * len(columns))})"
        self.upsert = insert + "UPDATE SET " + ",".join(f"{c}=excluded.{c}" for c in columns[len(keys) :])
        own = Path(table.partition, "pk", table.sort, "sk" if table.sort else None, tuple(keys[1:]))
        self._paths: dict[str | None, Path] = {None: own}
        for index in table.indexes:
            ordered = [(f"{index.name}_s", index.sort)] if index.sort else []
            self._paths[index.name] = Path(
                index.partition,
                f"{index.name}_p",
                index.sort,
                f"{index.name}_s" if index.sort else None,
                (*ordered, *keys),
                None if index.projects is None else frozenset((*index.projects, *_keys_of(table, index))),
            )
        self._indexed = frozenset(attribute for _, attribute in self._index_columns)

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Create the table, its indexes and its stream, and fill columns the catalog has gained since."""
        sort = (
            f", sk {'INTEGER' if self.table.sort_is_number else 'TEXT'} NOT NULL" if self.table.sort else ""
        )
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} (pk TEXT NOT NULL{sort}, item TEXT NOT NULL,"
            f" expires INTEGER, PRIMARY KEY ({','.join(self.key_columns)}))"
        )
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({self.name})")}
        gained = [column for column, _ in self._index_columns if column not in known]
        for column in gained:
            connection.execute(f"ALTER TABLE {self.name} ADD COLUMN {column} TEXT")
        if gained:
            for (text,) in connection.execute(f"SELECT item FROM {self.name}").fetchall():
                connection.execute(self.upsert, self.row(items.decode(text), text))
        for index in self.table.indexes:
            path = self._paths[index.name]
            ordered = ",".join((path.partition_column, *(column for column, _ in path.order)))
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {self.name}_{index.name} ON {self.name} ({ordered})"
                f" WHERE {path.partition_column} IS NOT NULL"
            )
        if self.table.expires:
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {self.name}_expires ON {self.name} (expires)"
                " WHERE expires IS NOT NULL"
            )

    def update(self, item: Item, text: str, names: Collection[str]) -> tuple[str, Row]:
        """The statement that stores an item of which only these attributes have changed.

        It touches no index that holds none of them: SQLite would write each one whose columns it names.
        """
        sql, indexes, expires = self._update(self._indexed.intersection(names), self.table.expires in names)
        row: list[Any] = [text]
        if expires:
            row.append(self._expiry(item))
        for index in indexes:
            row += self._index_values(index, item)
        return sql, (*row, *self.key_of(item))

    @lru_cache(maxsize=256)  # noqa: B019 - layouts live as long as the process
    def _update(self, names: frozenset[str], expires: bool) -> tuple[str, tuple[catalog.Index, ...], bool]:
        touched = tuple(i for i in self.table.indexes if i.partition in names or i.sort in names)
        columns = ["item", *(["expires"] if expires else [])]
        for index in touched:
            columns += [f"{index.name}_p"] + ([f"{index.name}_s"] if index.sort else [])
        match = " AND ".join(f"{column}=?" for column in self.key_columns)
        values = ",".join(f"{column}=?" for column in columns)
        return f"UPDATE {self.name} SET {values} WHERE {match}", touched, expires

    @lru_cache(maxsize=256)  # noqa: B019 - layouts live as long as the process
    def insert_many(self, count: int) -> str:
        """`insert` for this many rows."""
        return self.insert.replace(self._one_row, ",".join([self._one_row] * count))

    @lru_cache(maxsize=256)  # noqa: B019 - layouts live as long as the process
    def select_many(self, count: int) -> str:
        """`select` for this many keys: each item found with its key columns before it."""
        columns = ",".join(self.key_columns)
        one = "?" if len(self.key_columns) == 1 else "(?,?)"
        keys = columns if len(self.key_columns) == 1 else f"({columns})"
        listed = ",".join([one] * count)
        wanted = f"({listed})" if len(self.key_columns) == 1 else f"(VALUES {listed})"
        return f"SELECT {columns},item FROM {self.name} WHERE {keys} IN {wanted}"

    # -- rows ----------------------------------------------------------------------------------------------

    def key(self, key: Key) -> Row:
        """The key columns of exactly a key. Raises StoreRefused when it has other or fewer attributes."""
        if len(key) != len(self.key_columns):
            raise StoreRefused(f"{self.table.name}: the key is {self._key_names}, not {sorted(key)}")
        return self.key_of(key)

    def key_of(self, item: Key | Item) -> Row:
        """The key columns of an item. Raises StoreRefused when one is absent, empty or of the wrong type."""
        table = self.table
        pk = self._key_value(item, table.partition, str, MAX_PARTITION)
        if table.sort is None:
            return (pk,)
        return (pk, self._key_value(item, table.sort, self._sort_type, MAX_SORT))

    @cached_property
    def _key_names(self) -> list[str]:
        return [name for name in (self.table.partition, self.table.sort) if name]

    def is_key(self, name: str) -> bool:
        """Whether the attribute is part of the table's key."""
        return name == self.table.partition or name == self.table.sort

    def _key_value(self, item: Key | Item, name: str, kind: type, limit: int) -> str | int:
        value: Any = item.get(name)
        if kind is str and isinstance(value, str):
            if value and len(check_text(value, name).encode()) <= limit:
                return value
        elif type(value) is int and kind is int and -MAX_INTEGER_KEY <= value < MAX_INTEGER_KEY:
            return value
        wanted = "an integer of 64 bits" if kind is int else f"a text of 1 to {limit} bytes"
        raise StoreRefused(f"{self.table.name}: the key attribute {name} must be {wanted}")

    def row(self, item: Item, text: str) -> Row:
        """All columns of an item whose JSON text is `text`."""
        row = [*self.key_of(item), text, self._expiry(item)]
        for index in self.table.indexes:
            row += self._index_values(index, item)
        return tuple(row)

    def _expiry(self, item: Item) -> int | None:
        expires = item.get(self.table.expires) if self.table.expires else None
        return expires if type(expires) is int else None

    def _index_values(self, index: catalog.Index, item: Item) -> list[Any]:
        names = (index.partition,) if index.sort is None else (index.partition, index.sort)
        values = [
            self._key_value(item, name, str, MAX_PARTITION if name == index.partition else MAX_SORT)
            for name in names
            if name in item
        ]
        return values if len(values) == len(names) else [None] * len(names)

    # -- queries -------------------------------------------------------------------------------------------

    def path(self, index: str | None, partition: Equals, sort: SortCondition | None) -> Path:
        """What this query walks. Raises StoreRefused when names or types do not fit."""
        path = self._paths.get(index)
        if path is None:
            raise StoreRefused(f"{self.table.name} has no index {index}; list it in infra/catalog.py")
        if partition.name != path.partition or (sort is not None and sort.name != path.sort):
            raise StoreRefused(
                f"{self.table.name}: a query of {index or 'the table'} names {path.partition}"
                f" and sorts by {path.sort}"
            )
        self._key_value({partition.name: partition.value}, partition.name, str, MAX_PARTITION)
        if sort is not None and not hasattr(sort, "prefix"):
            kind = self._sort_type if index is None else str
            self._key_value({sort.name: sort.value}, sort.name, kind, MAX_SORT)
        return path

    @lru_cache(maxsize=256)  # noqa: B019 - layouts live as long as the process
    def query(self, path: Path, bound: str, after: bool, descending: bool) -> str:
        """The SQL of a query; `bound` is the SQL of the sort condition, `after` continues behind a key."""
        order = [column for column, _ in path.order]
        where = [f"{path.partition_column}=?"]
        if bound:
            where.append(f"{path.sort_column} {bound}")
        if after and order:
            comparison = "<" if descending else ">"
            where.append(f"({','.join(order)}) {comparison} ({','.join('?' * len(order))})")
        elif after:
            where.append("0")  # a partition of one item has nothing behind it
        direction = " DESC" if descending else ""
        ordering = f" ORDER BY {','.join(column + direction for column in order)}" if order else ""
        return f"SELECT item FROM {self.name} WHERE {' AND '.join(where)}{ordering} LIMIT ?"


def _keys_of(table: catalog.Table, index: catalog.Index) -> list[str]:
    return [name for name in (table.partition, table.sort, index.partition, index.sort) if name]
