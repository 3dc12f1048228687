"""GET /v1/events: what happened to one account, in its order, or to all of them since a moment."""

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from usher.domain import times
from usher.domain.event import Envelope
from usher.domain.problems import FieldError, invalid
from usher.ports.clock import Clock
from usher.records.events import EventLog
from usher.usecases.fields import Paged, Token

RECENT = timedelta(minutes=5)
_OLDEST = timedelta(days=31)  # a feed is walked day by day


def _moment(text: str) -> str:
    try:
        return times.text(times.moment(text).replace(tzinfo=times.moment(text).tzinfo or UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a moment such as 2026-11-21T12:00:00Z") from error


class EventsQuery(Paged):
    """`type` may end in `*`; `since` is for all accounts, whose events of the last five minutes come else."""

    account_id: Token | None = None
    type: Annotated[str, StringConstraints(pattern=r"^[a-z_.]{1,64}\*?$")] | None = None
    since: Annotated[str, Field(max_length=40), AfterValidator(_moment)] | None = None


def read_events(query: EventsQuery, *, log: EventLog, clock: Clock) -> dict[str, Any]:
    """Events oldest first; `next_cursor` is where to go on from, also when there is nothing more yet.

    Of all accounts, the cursor is the moment of the last one, and what was recorded at that moment may come
    again: consumers know an event by its id. Raises Problem 400 for a cursor that is none.
    """
    if query.account_id is not None:
        events = log.read(query.account_id, after=_sequence(query.cursor), limit=query.limit)
        last = str(events[-1].sequence) if events else query.cursor or "0"
    else:
        events, last = _of_all(query, log, clock.now())
    wanted = [each for each in events if query.type is None or fnmatchcase(each.type, query.type)]
    return {"items": [each.model_dump(mode="json") for each in wanted], "next_cursor": last}


def _of_all(query: EventsQuery, log: EventLog, now: datetime) -> tuple[list[Envelope], str]:
    since = query.since or times.text(now - RECENT)
    if query.cursor is not None:
        try:
            since = _moment(query.cursor)
        except ValueError as error:
            raise _no_cursor() from error
    begin = max(times.moment(since), now - _OLDEST)
    events = log.feed(since=begin, until=now, limit=query.limit)
    return events, events[-1].timestamp if events else since


def _sequence(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isdecimal() and cursor.isascii() and len(cursor) < 16):
        raise _no_cursor()
    return int(cursor)


def _no_cursor() -> Exception:
    return invalid((FieldError("cursor", "is not one that this list gave; start again without it"),))
