"""Consumer of the queue `usage-reports`: what is new of an hour is told, to the vendor where it is billed.

Row C9 of docs/product.md.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.domain.errors import NotFound, PermanentError
from usher.domain.metering import meter_event
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy
from usher.ports.clock import Clock
from usher.ports.meters import MeterEvent, Meters
from usher.records.subscribers import Subscriber, Subscribers
from usher.records.usage_hours import Report, UsageHour, UsageHours

HELD = timedelta(hours=23)  # Stripe knows an identifier for 24 hours


class PushUsage(BaseModel):
    """Which hour."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    meter: str
    hour: str


def push_usage(
    command: PushUsage,
    *,
    hours: UsageHours,
    subscribers: Subscribers,
    meters: Meters,
    plans: PlanCatalog,
    policy: UsagePolicy,
    clock: Clock,
) -> str:
    """Tell what is new of the hour, once; returns what was done, in a word.

    The report is on record before the vendor hears of it, under an identifier made of account, metric, hour
    and the number of the report: a retry says the same under the same name, and the vendor counts it once.
    What came after goes into a further report. Raises RetryableError, VendorRejected.
    """
    hour = hours.find(command.meter, command.hour)
    if hour is None:
        return "gone"
    subscriber = subscribers.of([hour.account_id]).get(hour.account_id)
    if subscriber is None:
        raise NotFound(f"no account {hour.account_id}")
    now = clock.now()
    if hour.pending is None:
        if hour.quantity == hour.reported:
            hours.rest(hour)
            return "nothing new"
        hour = hours.begin(hour, _report(hour, subscriber, plans, policy, now))
    report = hour.pending
    assert report is not None
    if report.identifier is not None:
        _tell(report, hour, meters, now)
    hours.finish(hour, report, subscriber, now=now)
    return "billed" if report.identifier else "told"


def _report(
    hour: UsageHour, subscriber: Subscriber, plans: PlanCatalog, policy: UsagePolicy, now: datetime
) -> Report:
    revision = hour.revision + 1
    report = Report(
        revision=revision,
        quantity=hour.quantity - hour.reported,
        total=hour.quantity,
        records=hour.records,
        begun_at=times.text(now),
    )
    plan = plans.plans.get(subscriber.plan or "")
    if plan is None or hour.metric not in plan.metered or subscriber.customer_id is None:
        return report
    closed = times.moment(hour.period_ends_at) + timedelta(minutes=policy.invoice_open_minutes)
    late = closed <= now
    at = _used_at(hour, revision, now)
    return report.model_copy(
        update={
            "identifier": ids.derived("usage", hour.account_id, hour.metric, hour.hour, str(revision)),
            "customer_id": subscriber.customer_id,
            "counted_at": times.text(now if late else max(at, now - policy.oldest)),
            "late": late,
        }
    )


def _used_at(hour: UsageHour, revision: int, now: datetime) -> datetime:
    """As used when the vendor counts it: a minute of its own for each report, so that it can be looked for.

    An hour that is not over is told early because the plan is about to change: it was used before that, and
    what comes later is told as used after it.
    """
    start, end = times.moment(hour.hour), times.moment(hour.ends_at)
    if now < end:
        return max(start, now - timedelta(seconds=1))
    at = start + timedelta(minutes=revision - 1)
    if hour.reported_at is not None and times.moment(hour.reported_at) < end:
        at = max(at, times.moment(hour.reported_at) + timedelta(minutes=1))
    return min(at, end - timedelta(seconds=1))


def _tell(report: Report, hour: UsageHour, meters: Meters, now: datetime) -> None:
    assert report.identifier and report.customer_id and report.counted_at
    event = MeterEvent(
        report.identifier,
        meter_event(hour.metric),
        report.customer_id,
        report.quantity,
        times.moment(report.counted_at),
    )
    if now - times.moment(report.begun_at) < HELD:
        meters.count(event)
        return
    found = meters.counted(event)  # the vendor may not know the identifier any more
    if found == 0:
        meters.count(event)
    elif found != report.quantity:
        raise PermanentError(
            f"usage of {hour.hour}: the vendor counted {found} in that minute, not {report.quantity}; compare"
        )
