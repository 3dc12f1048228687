"""Pages: what every listing answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain.errors import InvalidCommand
from usher.domain.problems import FieldError, invalid


class Listed(BaseModel):
    """`next_cursor` leads to the next page; without it there is none."""

    model_config = ConfigDict(hide_input_in_errors=True)

    items: list[dict[str, Any]]
    next_cursor: str | None = None


def page(items: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    """The body of a page."""
    return {"items": items, "next_cursor": cursor}


@contextmanager
def reading_a_page() -> Iterator[None]:
    """A cursor that no page of this listing gave is the caller's mistake: Problem 400 that names it."""
    try:
        yield
    except InvalidCommand as error:
        wrong = FieldError("cursor", "is not one that this list gave; start again without it")
        raise invalid((wrong,)) from error
