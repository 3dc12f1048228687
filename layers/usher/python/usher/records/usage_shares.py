"""What of one account's records fits into one transaction, and the writes that count it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from usher.domain import times
from usher.domain.event import Event
from usher.domain.plans import PlanCatalog
from usher.domain.usage import HOUR, Period, UsagePolicy, alerts, mark
from usher.domain.usage_events import UsageLimitNear, UsageLimitReached
from usher.ports.store import MAX_TRANSACTION, Absent, Equals, Item, Put, Update, Write
from usher.records.subscribers import Subscriber

RECORDS, HOURS, PERIODS = "usage_records", "usage_hours", "usage_periods"
HOURS_KEPT = timedelta(days=400)  # what an invoice of a year ago was made of can still be shown
SHARDS = 4  # of the list of hours to report
_PER_PERIOD = 3  # writes: its own, and two alerts
_OUTBOX = 1


class UsageRecord(BaseModel):
    """So much of a metric, used by an account at a moment (`domain.times.text`)."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    quantity: Annotated[int, Field(strict=True, ge=0)]
    recorded_at: str

    def is_told_by(self, item: Item) -> bool:
        """Whether this stored record says the same."""
        said = (item["account_id"], item["metric"], item["quantity"], item["recorded_at"])
        return said == (self.account_id, self.metric, self.quantity, self.recorded_at)


class Counted(NamedTuple):
    """A record with where it counts."""

    record: UsageRecord
    hour: Period
    period: Period


@dataclass(slots=True)
class Sum:
    """What comes to one hour or one period of a metric."""

    span: Period
    period: Period
    quantity: int = 0
    records: int = 0

    def add(self, quantity: int) -> None:
        self.quantity += quantity
        self.records += 1


Sums = dict[tuple[str, datetime], Sum]


@dataclass(slots=True)
class Share:
    """Records of one account that are counted in one transaction."""

    subscriber: Subscriber
    counted: list[Counted]

    def hours(self) -> Sums:
        sums: Sums = {}
        for record, hour, period in self.counted:
            key = (record.metric, hour.start)
            if (found := sums.get(key)) is None:
                found = sums[key] = Sum(hour, period)
            found.add(record.quantity)
        return sums

    def periods(self) -> Sums:
        sums: Sums = {}
        for (metric, _), hour in self.hours().items():
            key = (metric, hour.period.start)
            if (found := sums.get(key)) is None:
                found = sums[key] = Sum(hour.period, hour.period)
            found.quantity += hour.quantity
            found.records += hour.records
        return sums

    def period_keys(self) -> list[dict[str, str]]:
        """The keys of the rows of `PERIODS` that the share adds to."""
        account_id = self.subscriber.account_id
        return [period_key(account_id, metric, start) for metric, start in self.periods()]


def meter_of(account_id: str, metric: str) -> str:
    """The partition of the sums of an account's metric."""
    return f"{account_id}#{metric}"


def period_key(account_id: str, metric: str, start: datetime) -> dict[str, str]:
    return {"meter": meter_of(account_id, metric), "period": times.text(start)}


def shares(subscriber: Subscriber, records: Sequence[UsageRecord], *, policy: UsagePolicy) -> Iterator[Share]:
    """The records in the order of their moments, as many together as a transaction holds."""
    places: dict[str, tuple[Period, Period]] = {}  # by clock hour, where all of it has the same place
    counted: list[Counted] = []
    sums: set[tuple[str, str, datetime]] = set()
    writes = _OUTBOX
    for record in sorted(records, key=lambda each: each.recorded_at):
        place = places.get(record.recorded_at[:13])
        if place is None:
            place, is_whole = _place(times.moment(record.recorded_at), subscriber, policy)
            if is_whole:
                places[record.recorded_at[:13]] = place
        hour, period = place
        own = ("hour", record.metric, hour.start), ("period", record.metric, period.start)
        more = 1 + (own[0] not in sums) + _PER_PERIOD * (own[1] not in sums)
        if writes + more > MAX_TRANSACTION:
            yield Share(subscriber, counted)
            counted, sums, writes, more = [], set(), _OUTBOX, 2 + _PER_PERIOD
        counted.append(Counted(record, hour, period))
        sums.update(own)
        writes += more
    if counted:
        yield Share(subscriber, counted)


def _place(
    moment: datetime, subscriber: Subscriber, policy: UsagePolicy
) -> tuple[tuple[Period, Period], bool]:
    """The hour and the period in which usage counts, and whether all of its clock hour counts there."""
    at = subscriber.counted_at(moment, skew=policy.ahead)
    period = subscriber.period_of(at)
    hour = period.hour_of(at)
    last = hour.end - timedelta(microseconds=1)
    is_whole = hour.end - hour.start == HOUR and subscriber.counted_at(last, skew=policy.ahead) == last
    return (hour, period), is_whole and at == moment


def record_writes(share: Share, *, now: datetime, policy: UsagePolicy) -> list[Write]:
    """One per record, in the share's order: it fails when a record of this id is there already."""
    received, expires = times.text(now), int((now + timedelta(days=policy.keep_days)).timestamp())
    more: Item = {"received_at": received, "expires_at": expires}
    if share.subscriber.subscription_id is not None:
        more["subscription_id"] = share.subscriber.subscription_id
    hours = {start: times.text(start) for _, start in share.hours()}
    return [
        Put(RECORDS, {**vars(each.record), "hour": hours[each.hour.start], **more}, if_=Absent("id"))
        for each in share.counted
    ]


def hour_writes(share: Share, *, now: datetime, policy: UsagePolicy) -> list[Write]:
    """The sums of hours, each put on the list of what is to be reported once it has settled."""
    account_id, writes = share.subscriber.account_id, list[Write]()
    shard = due_shard(sum(account_id.encode()) % SHARDS)
    for (metric, start), added in share.hours().items():
        due = max(added.span.end, now) + policy.settle
        values: Item = {
            "account_id": account_id,
            "metric": metric,
            "ends_at": times.text(added.span.end),
            "period": times.text(added.period.start),
            "period_ends_at": times.text(added.period.end),
            "due": shard,
            "due_at": times.text(due),
            "expires_at": int((added.span.end + HOURS_KEPT).timestamp()),
        }
        key = {"meter": meter_of(account_id, metric), "hour": times.text(start)}
        sums = {"quantity": added.quantity, "records": added.records, "version": 1}
        writes.append(Update(HOURS, key, set=values, add=sums))
    return writes


def due_shard(number: int) -> str:
    """The partition of the list of hours to report."""
    return f"due#{number}"


def period_writes(
    share: Share, rows: Mapping[str, Item], *, plans: PlanCatalog, policy: UsagePolicy
) -> tuple[list[Write], list[Event]]:
    """The sums of periods on the `rows` read before, by meter and period, and what they say of limits.

    The writes fail when a row has changed since: an alert is told by whoever crosses the limit, once.
    """
    subscriber = share.subscriber
    plan = plans.plans.get(subscriber.plan or "")
    writes: list[Write] = []
    happened: list[Event] = []
    for (metric, start), added in share.periods().items():
        key = period_key(subscriber.account_id, metric, start)
        row = rows.get(row_name(key), {})
        total, told = row.get("quantity", 0) + added.quantity, list[str](row.get("told", []))
        limit = plan.limits.get(metric) if plan else None
        for alert in (
            alerts(total=total, most=limit.most, near_percent=policy.near_percent, told=told) if limit else ()
        ):
            assert limit is not None
            told.append(mark(alert, limit.most))
            said = {
                "metric": metric,
                "plan": subscriber.plan,
                "period_start": key["period"],
                "period_end": times.text(added.span.end),
                "quantity": total,
                "most": limit.most,
                "hard": limit.hard,
            }
            happened.append(
                UsageLimitNear(**said, percent=policy.near_percent)
                if alert == "near"
                else UsageLimitReached(**said)
            )
        values: Item = {
            "account_id": subscriber.account_id,
            "metric": metric,
            "ends_at": times.text(added.span.end),
            "told": told,
        }
        sums = {"quantity": added.quantity, "records": added.records, "version": 1}
        as_read = Equals("version", row["version"]) if row else Absent("version")
        writes.append(Update(PERIODS, key, set=values, add=sums, if_=as_read))
    return writes, happened


def row_name(key: Mapping[str, str]) -> str:
    """How a row of `PERIODS` is called in a mapping."""
    return f"{key['meter']} {key['period']}"
