"""Whether a condition of the store port holds for an item, with DynamoDB's notion of equal and ordered."""

from typing import Any

from usher.ports.store import (
    Absent,
    AtLeast,
    AtMost,
    BeginsWith,
    Both,
    Condition,
    Either,
    Equals,
    Item,
    OneOf,
    Present,
)

_MISSING = object()


def holds(condition: Condition, item: Item | None) -> bool:
    """Whether `condition` holds for the item; None is an item that does not exist."""
    kind = type(condition)  # one look, where a row of isinstance takes three; mypy follows only the latter
    if kind is Both:
        return all(holds(each, item) for each in condition.conditions)  # type: ignore[union-attr]  # see above
    if kind is Either:
        return any(holds(each, item) for each in condition.conditions)  # type: ignore[union-attr]  # see above
    value = _MISSING if item is None else item.get(condition.name, _MISSING)  # type: ignore[union-attr]  # see above
    return bool(_TESTS[kind](condition, value))


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type: True is not 1, at any depth."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def _comparable(value: Any, bound: Any) -> bool:
    """Both texts or both numbers; a bool is neither."""
    kind = str if isinstance(bound, str) else int
    return isinstance(value, kind) and not isinstance(value, bool)


_TESTS: dict[type, Any] = {
    Equals: lambda c, value: value is not _MISSING and same(value, c.value),
    OneOf: lambda c, value: value is not _MISSING and any(same(value, each) for each in c.values),
    Absent: lambda c, value: value is _MISSING,
    Present: lambda c, value: value is not _MISSING,
    AtMost: lambda c, value: _comparable(value, c.value) and value <= c.value,
    AtLeast: lambda c, value: _comparable(value, c.value) and value >= c.value,
    BeginsWith: lambda c, value: isinstance(value, str) and value.startswith(c.prefix),
}
