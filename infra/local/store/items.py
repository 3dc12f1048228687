"""Items as JSON text, held to the limits DynamoDB would hold them to."""

from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from usher.adapters.dynamodb_json import MAX_DEPTH, MAX_INTEGER, refused
from usher.ports.store import Item, StoreRefused

MAX_ITEM = 400 * 1024  # bytes, DynamoDB's limit for one item with its attribute names

decode = from_json  # half the price of the standard library's, of which every write and read pays one
_PLAIN = frozenset((str, bool, type(None)))  # what needs no further look
_TEXTS = frozenset((str,))


def encode(item: Item) -> str:
    """The item as JSON text. Raises StoreRefused for values and sizes that DynamoDB would not take."""
    check(item, "item", -1)
    return encode_checked(item)


def encode_checked(item: Item) -> str:
    """`encode` of an item whose values have all gone through `check`."""
    try:
        text = to_json(item).decode()
    except PydanticSerializationError as error:
        raise StoreRefused("item: not valid Unicode text") from error  # half a surrogate pair
    # DynamoDB's size is below four bytes per character for every item, so most need no counting.
    if len(text) > MAX_ITEM // 8 and (size := _item_size(item)) > MAX_ITEM:
        raise StoreRefused(
            f"an item of {size} bytes exceeds the limit of {MAX_ITEM}; keep large texts as blobs"
        )
    return text


def check(value: Any, name: str, depth: int = 0) -> None:
    """Raises StoreRefused unless `value` is a JSON value as the store port defines it.

    `name` is where it stands, for the error's text; `depth` how deep, -1 for a whole item.
    """
    if isinstance(value, dict):
        if "" in value or not _TEXTS.issuperset(map(type, value)):
            _check_names(value, name)
        if not _PLAIN.issuperset(map(type, value.values())):
            for key, each in value.items():
                if type(each) not in _PLAIN:
                    check(each, key if depth < 0 else name, depth + 1)
    elif isinstance(value, list):
        if not _PLAIN.issuperset(map(type, value)):
            for each in value:
                if type(each) not in _PLAIN:
                    check(each, name, depth + 1)
    elif isinstance(value, int):
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise StoreRefused(f"{name}: an integer of more than 38 digits cannot be stored")
        return
    elif value is None or isinstance(value, str):
        return
    else:
        raise refused(name, value)
    if depth >= MAX_DEPTH:
        raise StoreRefused(f"{name}: nested deeper than {MAX_DEPTH} levels")


def _check_names(value: dict[Any, Any], name: str) -> None:
    for key in value:
        if not key or not isinstance(key, str):
            raise StoreRefused(f"{name}: has the name {key!r}; names are texts that are not empty")


def _item_size(item: Item) -> int:
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Any) -> int:
    """Bytes as DynamoDB counts a value: texts in UTF-8, numbers by digits, nesting 3 and 1 per entry."""
    if isinstance(value, str):
        return len(value.encode())
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return len(str(value)) // 2 + 2
    if isinstance(value, list):
        return 3 + sum(1 + _size(each) for each in value)
    return 3 + len(value) + _item_size(value)
