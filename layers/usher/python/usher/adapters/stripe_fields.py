"""Fields of Stripe's objects that may be absent, an id, or a whole object; moments in epoch seconds."""

from datetime import UTC, datetime
from typing import Any


def get(thing: Any, *names: str) -> Any:
    """The field at the end of a path of which every part may be absent."""
    for name in names:
        if thing is None:
            return None
        thing = thing.get(name)
    return thing


def whole(thing: Any, name: str) -> Any:
    """The object in a field where it was expanded; None when it is an id or nothing."""
    held = get(thing, name)
    return None if isinstance(held, str) else held


def id_of(reference: Any) -> Any:
    """The id of a reference that may or may not be expanded, or absent."""
    return reference if reference is None or isinstance(reference, str) else str(reference["id"])


def moment(seconds: int | None) -> Any:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
