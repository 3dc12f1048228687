"""DynamoDB's typed JSON to and from the store port's plain items, without Decimal and without boto3."""

from typing import Any

from usher.ports.store import Item, StoreRefused

MAX_DEPTH = 32  # DynamoDB's own limit on nesting
MAX_INTEGER = 10**38  # DynamoDB keeps 38 digits

_TRUE, _FALSE, _NULL = {"BOOL": True}, {"BOOL": False}, {"NULL": True}


def encode(item: Item) -> dict[str, Any]:
    """An item (or a key) as attribute values. Raises StoreRefused for what is no JSON value of the port."""
    return {_name(name, "item"): encode_value(value, name) for name, value in item.items()}


def encode_value(value: Any, name: str, depth: int = 0) -> dict[str, Any]:
    """One value; `name` is where it stands, for the error's text."""
    if value is None:
        return _NULL
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, str):
        return {"S": check_text(value, name)}
    if isinstance(value, int):
        if -MAX_INTEGER < value < MAX_INTEGER:
            return {"N": str(int(value))}
        raise StoreRefused(f"{name}: an integer of more than 38 digits cannot be stored")
    if depth >= MAX_DEPTH:
        raise StoreRefused(f"{name}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return {"L": [encode_value(each, name, depth + 1) for each in value]}
    if isinstance(value, dict):
        return {"M": {_name(key, name): encode_value(each, name, depth + 1) for key, each in value.items()}}
    raise refused(name, value)


def _name(key: Any, name: str) -> str:
    if not isinstance(key, str) or not key:
        raise StoreRefused(f"{name}: has the name {key!r}; names are texts that are not empty")
    return key


def check_text(text: str, name: str) -> str:
    """The text itself. Raises StoreRefused when it holds half a surrogate pair, which UTF-8 cannot say."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise StoreRefused(f"{name}: not valid Unicode text at character {error.start}") from error
    return text


def refused(name: str, value: Any) -> StoreRefused:
    """The error for a value of a type that no item may hold."""
    hint = {
        "float": "keep integers of the smallest unit",
        "Decimal": "keep integers of the smallest unit",
        "datetime": "keep ISO 8601 text",
        "tuple": "keep a list",
        "set": "keep a sorted list",
    }.get(type(value).__name__, "keep str, int, bool, None, list or dict")
    return StoreRefused(f"{name}: a {type(value).__name__} cannot be stored; {hint}")


def decode(item: dict[str, Any]) -> Item:
    """Attribute values (a response's Item, a stream record's NewImage) as a plain item."""
    return {name: _decode_value(value) for name, value in item.items()}


def _decode_value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind in ("S", "BOOL"):
        return content
    if kind == "N":
        return int(content)
    if kind == "M":
        return decode(content)
    if kind == "L":
        return [_decode_value(each) for each in content]
    if kind == "NULL":
        return None
    raise ValueError(f"an attribute of type {kind} was not written by this system")
