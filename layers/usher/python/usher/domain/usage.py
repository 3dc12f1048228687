"""Usage: which hour and which billing period a record counts in, and when a limit is near or reached."""

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HOUR = timedelta(hours=1)
_FAR = 12 * 200  # months: no record is that far from its subscription

Alert = Literal["near", "reached"]


class UsagePolicy(BaseModel):
    """policies/usage.yaml. Of records: how old and how far ahead they may be, and how long each is kept.

    A record is kept longer than it may be old: who sends it again must be known until it is too old to count.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    oldest_days: int = Field(default=34, ge=1, le=34)  # Stripe counts events of the past 35 days
    ahead_seconds: int = Field(default=300, ge=0, le=300)
    keep_days: int = Field(default=70, ge=36)
    settle_minutes: int = Field(default=5, ge=1, le=30)  # after an hour's end, for what is under way
    invoice_open_minutes: int = Field(default=45, ge=0, le=60)  # Stripe's draft takes usage for an hour
    near_percent: int = Field(default=80, ge=1, le=99)

    @property
    def oldest(self) -> timedelta:
        return timedelta(days=self.oldest_days)

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=self.ahead_seconds)

    @property
    def settle(self) -> timedelta:
        return timedelta(minutes=self.settle_minutes)


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open span `start <= t < end`, both UTC: what one invoice or one limit is about."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def hour_of(self, moment: datetime) -> "Period":
        """The part of a clock hour that lies in this period: usage of two invoices is never summed."""
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return Period(max(hour, self.start), min(hour + HOUR, self.end))


@dataclass(frozen=True, slots=True)
class Billed:
    """How a subscription is billed: the period we know of it, and what it repeats by.

    `trialing`: that period is a trial, and the ones after it begin at its end.
    """

    known: Period
    interval: Literal["month", "year"] = "month"
    trialing: bool = False

    def period_of(self, moment: datetime) -> Period:
        """The billing period that a moment lies in, also before or after the one we know.

        Steps by months from the anchor as Stripe does: the day of the month stays, or is the last one of a
        shorter month (docs.stripe.com/billing/subscriptions/billing-cycle, read 2026-11).
        """
        if self.known.holds(moment):
            return self.known
        step = 12 if self.interval == "year" else 1
        anchor = self._anchor()
        months = (moment.year - anchor.year) * 12 + moment.month - anchor.month
        steps = months // step
        while _later(anchor, steps * step) > moment:
            steps -= 1
        while _later(anchor, (steps + 1) * step) <= moment:
            steps += 1
        found = Period(_later(anchor, steps * step), _later(anchor, (steps + 1) * step))
        if moment < self.known.start:
            return Period(found.start, min(found.end, self.known.start))
        return Period(max(found.start, self.known.end), found.end)

    def _anchor(self) -> datetime:
        """Of start and end the one whose day was not cut by a short month; of a trial its end."""
        start, end = self.known.start, self.known.end
        return end if self.trialing or end.day > start.day else start


def calendar_month(moment: datetime) -> Period:
    """The period of who has no subscription at the payment vendor: the month by UTC."""
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(start, _later(start, 1))


def alerts(*, total: int, most: int, near_percent: int, told: Collection[str]) -> Iterator[Alert]:
    """What is to be said of a limit of `most` once `total` of it is used, and was not said yet.

    `told` holds the marks of what was (`mark`): another limit, after a change of plan, is told anew.
    """
    near = -(-most * near_percent // 100)  # rounded up: 80 % of 7 are reached by the sixth
    thresholds: tuple[tuple[Alert, int], ...] = (("near", near), ("reached", most))
    for alert, threshold in thresholds:
        if total >= max(threshold, 1) and mark(alert, most) not in told:
            yield alert


def mark(alert: Alert, most: int) -> str:
    """How a period notes that an alert about a limit was told."""
    return f"{alert}@{most}"


def _later(anchor: datetime, months: int) -> datetime:
    if abs(months) > _FAR:
        raise ValueError(f"{months} months from {anchor} are out of bounds")
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)
