"""Store: documents in tables, with DynamoDB's semantics and nothing DynamoDB could not promise.

An item is a dict of JSON values (str, int, bool, None, list, dict; never float: money is integers, time
is ISO 8601 text). Tables, keys and indexes are declared in infra/catalog.py. An item stands in an index
when it has the index's attributes: leave them out rather than setting them to None, which is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from usher.domain.errors import PermanentError, StaleWrite

Item: TypeAlias = dict[str, Any]
Key: TypeAlias = Mapping[str, str | int]

MAX_TRANSACTION = 100  # TransactWriteItems' own limit
MAX_READ = 100  # BatchGetItem's own limit, which `get_all` keeps by itself


# Conditions of one shape share a base: making a dataclass is dear, and every cold start pays for it. Equality
# looks at the class too.


@dataclass(frozen=True, slots=True)
class _Named:
    name: str


@dataclass(frozen=True, slots=True)
class _Compared:
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Several:
    conditions: "tuple[Condition, ...]"


class Absent(_Named):
    """The item or the attribute does not exist."""

    __slots__ = ()


class Present(_Named):
    """The attribute exists."""

    __slots__ = ()


class Equals(_Compared):
    """The attribute exists and has this value."""

    __slots__ = ()


class AtMost(_Compared):
    """The attribute exists and is <= value, a text or a number."""

    __slots__ = ()


class AtLeast(_Compared):
    """The attribute exists and is >= value, a text or a number."""

    __slots__ = ()


class Both(_Several):
    """Every one of these holds."""

    __slots__ = ()


class Either(_Several):
    """At least one of these holds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute exists and has one of these values."""

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= 100:  # the limit of DynamoDB's IN
            raise ValueError(f"OneOf({self.name!r}) takes 1 to 100 values, not {len(self.values)}")


@dataclass(frozen=True, slots=True)
class BeginsWith:
    """The text attribute begins with this prefix."""

    name: str
    prefix: str


Condition: TypeAlias = Equals | OneOf | Absent | Present | AtMost | AtLeast | BeginsWith | Both | Either
SortCondition: TypeAlias = Equals | AtMost | AtLeast | BeginsWith


@dataclass(frozen=True, slots=True)
class Put:
    """Write the whole item, replacing what is there, when the condition holds."""

    table: str
    item: Item
    if_: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Change single attributes of an item, creating it when it is not there, when the condition holds.

    `set` replaces whole top-level attributes, `add` adds to integers (absent counts as 0), `remove` drops.
    At least one attribute is named, none twice, and none that is part of the key.
    """

    table: str
    key: Key
    set: Item = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    if_: Condition | None = None

    def __post_init__(self) -> None:
        count = len(self.set) + len(self.add) + len(self.remove)
        if not count or len({*self.set, *self.add, *self.remove}) < count:
            raise ValueError(f"an update of {self.table} names at least one attribute and none twice")


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the item (none there is fine) when the condition holds."""

    table: str
    key: Key
    if_: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing; the transaction fails when the condition does not hold."""

    table: str
    key: Key
    if_: Condition


Write: TypeAlias = Put | Update | Delete | Check


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query. `cursor` is opaque text; None means there is no more.

    A page ends after `limit` items or 1 MB, whichever comes first, and may be empty with a cursor: whoever
    wants all items asks on until the cursor is None.
    """

    items: list[Item]
    cursor: str | None = None


class StoreRefused(PermanentError):
    """The store never takes this request: a float in the item, an empty key, over 400 KB, a wrong index."""


class ConditionFailed(StaleWrite):
    """A condition did not hold; nothing was written.

    `failed` maps the position of each write whose condition failed to the item found there (None when
    there was none), so that the caller need not read again. A single `write` has position 0.
    """

    def __init__(self, message: str, failed: Mapping[int, Item | None]) -> None:
        super().__init__(message)
        self.failed = dict(failed)


class Store(Protocol):
    """Every method raises StoreUnavailable when it cannot take a call, StoreRefused when it never will."""

    def get(self, table: str, key: Key) -> Item | None:
        """The item as of the last write that returned (a consistent read), or None."""

    def get_all(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        """`get` of many distinct keys in few calls: an item or None for each, in their order.

        Each is as of the last write that returned; together they are no snapshot.
        """

    def write(self, write: Put | Update | Delete) -> Item | None:
        """Do one conditional write; returns the item as it now is, None after a Delete.

        Raises ConditionFailed when the condition does not hold.
        """

    def transact(self, writes: Sequence[Write]) -> None:
        """Do up to 100 writes on distinct items (4 MB in all), all or none; an empty sequence does nothing.

        A conflict with another transaction is tried again inside. Raises ConditionFailed.
        """

    def query(
        self,
        table: str,
        partition: Equals,
        *,
        index: str | None = None,
        sort: SortCondition | None = None,
        limit: int = 100,
        cursor: str | None = None,
        descending: bool = False,
    ) -> Page:
        """Items of one partition in sort-key order. Without `index` the read is consistent; an index may lag.

        Expired items may still be among them. Raises InvalidCommand when the cursor is not one that a query
        of this partition gave.
        """
