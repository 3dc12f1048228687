"""Cursors: the key a query stopped at, as text that is opaque to whoever carries it to the next page."""

import base64
import binascii
import json

from usher.domain.errors import InvalidCommand
from usher.ports.store import Equals


def encode(key: dict[str, str | int]) -> str:
    """The key of the last item of a page (table and index attributes) as URL-safe text."""
    text = json.dumps(key, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, partition: Equals) -> dict[str, str | int]:
    """The key inside a cursor. Raises InvalidCommand when it is not ours or of another partition."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidCommand("cursor: not one this query gave; start again without it") from error
    if not isinstance(key, dict) or key.get(partition.name) != partition.value:
        raise InvalidCommand("cursor: belongs to another query; start again without it")
    if not all(type(value) in (str, int) for value in key.values()):
        raise InvalidCommand("cursor: not one this query gave; start again without it")
    return key
