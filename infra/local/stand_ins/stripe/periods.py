"""Billing periods: an anchor and the moments n intervals after it, as Stripe counts them."""

import calendar
from datetime import UTC, datetime, timedelta

DAY = 86_400


def after(anchor: int, interval: str, count: int) -> int:
    """The moment `count` intervals after `anchor`, in epoch seconds.

    Months and years keep the anchor's day and fall back to the month's last day where that does not exist, so
    an anchor on 31 January gives 28 February and then 31 March.
    Source: docs.stripe.com/billing/subscriptions/billing-cycle.
    """
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in ("day", "week"):
        return int((start + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = months // 12, months % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def period_at(anchor: int, interval: str, count: int, moment: int) -> tuple[int, int]:
    """The period (start, end) of `count` intervals, counted from `anchor`, that `moment` lies in."""
    passed = 0
    while (end := after(anchor, interval, (passed + 1) * count)) <= moment:
        passed += 1
    return after(anchor, interval, passed * count), end
