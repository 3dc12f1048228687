"""GET /v1/audit: who did what on a day."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from usher.domain import times
from usher.ports.clock import Clock
from usher.records.audit import Audit
from usher.usecases.fields import Paged
from usher.usecases.pages import page, reading_a_page


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("names a day that does not exist") from error
    return value


class AuditQuery(Paged):
    """`day` is a date in UTC such as 2026-11-21; without it, today."""

    day: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
        | None
    ) = None


def read_audit(query: AuditQuery, *, audit: Audit, clock: Clock) -> dict[str, Any]:
    """`items`, last first, and `next_cursor`. Raises Problem 400 for a cursor of another day."""
    day = query.day or times.text(clock.now())[:10]
    with reading_a_page():
        found = audit.of_day(day, limit=query.limit, cursor=query.cursor)
    keys = {"day", "entry"}
    return page([{k: v for k, v in item.items() if k not in keys} for item in found.items], found.cursor)
