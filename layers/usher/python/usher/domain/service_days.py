"""Revenue by days of service: what of a line is earned up to a day, and what falls to a month.

An amount is spread evenly over its days. What is earned after k of n days is amount * k / n, rounded half
away from zero; a month gets the difference of two such sums, so that the months of a line add up to its
amount exactly, whatever the rounding (ADR 0060).
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from usher.domain.ledger import Service


def days_of(start: datetime, end: datetime) -> tuple[date, date]:
    """The days of a service from its moments (UTC); a part of a day counts for who begins on it."""
    first, last = start.date(), end.date()
    return first, max(last, first + timedelta(days=1))


def earned(service: Service, before: date) -> int:
    """What is earned by the days before this one, in minor units."""
    days = (service.end - service.start).days
    served = min(max((before - service.start).days, 0), days)
    amount = (abs(service.amount_minor) * served * 2 + days) // (2 * days)
    return amount if service.amount_minor >= 0 else -amount


def unearned(service: Service, day: date) -> int:
    """What is to be earned on this day and later."""
    return service.amount_minor - earned(service, day)


def month_of(day: date) -> str:
    """`2026-11`."""
    return f"{day:%Y-%m}"


def first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def next_month(month: str) -> str:
    return month_of(first_day(month) + timedelta(days=31))


def month_before(month: str) -> str:
    return month_of(first_day(month) - timedelta(days=1))


def last_day(month: str) -> date:
    return first_day(next_month(month)) - timedelta(days=1)


def share(service: Service, month: str, *, since: date) -> int:
    """What of a service that was posted on the day `since` is recognised for a month.

    Days of service in earlier months than that of the posting are recognised with it.
    """
    until = earned(service, first_day(next_month(month)))
    first = month_of(since)
    if month < first:
        return 0
    return until if month == first else until - earned(service, first_day(month))


def next_due(services: Iterable[Service], *, since: date, after: str | None = None) -> str | None:
    """The first month, past `after`, for which something of these is recognised; None: nothing is left."""
    services = tuple(services)
    month = month_of(since) if after is None else next_month(after)
    last = max((month_of(each.end - timedelta(days=1)) for each in services), default="")
    last = max(last, month_of(since)) if services else ""
    while month <= last:
        if any(share(each, month, since=since) for each in services):
            return month
        month = next_month(month)
    return None
