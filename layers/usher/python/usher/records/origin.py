"""Where what is written comes from: what the context of every event says while one request is at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ORIGIN: ContextVar[dict[str, str] | None] = ContextVar("origin", default=None)


def origin() -> dict[str, str]:
    """Names and ids, such as `request_id`; none outside a request."""
    return _ORIGIN.get() or {}


@contextmanager
def originating(**known: str) -> Iterator[None]:
    """Within the block, events are told to come from this. Ids only: no personal data."""
    token = _ORIGIN.set({**origin(), **known})
    try:
        yield
    finally:
        _ORIGIN.reset(token)
