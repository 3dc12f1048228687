"""A moment in a request: a text as RFC 3339 has it."""

import re
from datetime import UTC
from typing import Annotated

from pydantic import AfterValidator

from usher.domain import times

_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def moment_text(value: str) -> str:
    if not _RFC_3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 date-time such as 2026-11-21T09:00:00Z")
    try:
        times.moment(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the form is right, the day or hour does not exist
        raise ValueError("names a moment that does not exist") from error
    return value


Moment = Annotated[str, AfterValidator(moment_text)]
"""As it was sent; `domain.times.moment` reads it."""
