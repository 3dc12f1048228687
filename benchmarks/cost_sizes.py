"""How many request units DynamoDB counts for a read or a write, by the size of the item and its indexes.

Source: the DynamoDB Developer Guide, "Read/write capacity mode", "Item sizes and formats", "Provisioned
throughput considerations for global secondary indexes", "Capacity management for transactions" (2026-11).
"""

from collections.abc import Iterable
from math import ceil
from typing import Any

from infra.catalog_entries import Index, Table

Item = dict[str, Any]
WRITE_BYTES, READ_BYTES = 1024, 4096
_LEAF = 1  # bytes of a boolean or a null


def item_bytes(item: Item | None) -> int:
    """The size DynamoDB counts: names and values; 0 for no item."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in (item or {}).items())


def _value_bytes(value: Any) -> int:
    if value is None or isinstance(value, bool):
        return _LEAF
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, int):
        return ceil(len(str(abs(value))) / 2) + 1 + (value < 0)
    if isinstance(value, dict):
        return 3 + item_bytes(value) + len(value)
    return 3 + sum(1 + _value_bytes(each) for each in value)


def write_units(before: Item | None, after: Item | None, *, transacted: bool = False) -> int:
    """Of the table alone: by the larger of the two, at least 1, twice that in a transaction.

    A write whose condition fails counts too, by the item it found (give it as both).
    """
    units = max(1, ceil(max(item_bytes(before), item_bytes(after)) / WRITE_BYTES))
    return 2 * units if transacted else units


def index_units(table: Table, before: Item | None, after: Item | None) -> int:
    """Of all the table's indexes. What an entry does not hold costs nothing when it changes; another key is
    two writes, one that takes the former entry away. Never doubled: an index follows after the transaction.
    """
    return sum(_entry_units(table, index, before, after) for index in table.indexes)


def _entry_units(table: Table, index: Index, before: Item | None, after: Item | None) -> int:
    old, new = _entry(table, index, before), _entry(table, index, after)
    if old == new:
        return 0
    moved = old and new and any(old[key] != new[key] for key in _keys(index))
    sizes = [old, new] if moved else [max(old or {}, new or {}, key=item_bytes)]
    return sum(max(1, ceil(item_bytes(each) / WRITE_BYTES)) for each in sizes)


def _keys(index: Index) -> list[str]:
    return [index.partition, *([index.sort] if index.sort else [])]


def _entry(table: Table, index: Index, item: Item | None) -> Item | None:
    if item is None or any(key not in item for key in _keys(index)):
        return None
    if index.projects is None:
        return item
    held = {table.partition, table.sort, *_keys(index), *index.projects}
    return {name: value for name, value in item.items() if name in held}


def read_units(sizes: Iterable[int], *, consistent: bool = True) -> float:
    """Of items read together, as a query's are; at least one unit, half of it where an index may lag."""
    units = max(1, ceil(sum(sizes) / READ_BYTES))
    return units if consistent else units / 2
