"""Hours of usage on their way to the payment vendor: what was told of each, and what is about to be.

A report is written down before it is sent: whoever finds one sends it again, word for word.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.errors import StaleWrite
from usher.domain.usage_events import UsageReported
from usher.ports.store import AtMost, ConditionFailed, Equals, Item, Store, Update, Write
from usher.records.events import EventLog
from usher.records.subscribers import Subscriber
from usher.records.usage_shares import HOURS, PERIODS, SHARDS, due_shard, meter_of

LEASE = timedelta(hours=1)  # longer than a message of the queue `usage-reports` is tried
_PAGE, _PAGES = 100, 10
_TRIES = 5
_LAST = 50  # hours with usage: what is not told is of the last one or two, or came late


class Report(BaseModel):
    """What is told of an hour: `quantity` since the last report, `total` of all so far.

    With an `identifier` the payment vendor is told too, as used at `counted_at`; `late`: that is after the
    hour's own period, because its invoice was closed.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    revision: int
    quantity: int
    total: int
    records: int
    begun_at: str
    late: bool = False
    identifier: str | None = None
    customer_id: str | None = None
    counted_at: str | None = None


class UsageHour(BaseModel):
    """A row of `usage_hours`. `reported` of its `quantity` was told so far, in `revision` reports.

    `reported_at`: when the last of them was begun.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    meter: str
    hour: str
    ends_at: str
    account_id: str
    metric: str
    period: str
    period_ends_at: str
    quantity: int
    records: int
    reported: int = 0
    revision: int = 0
    reported_at: str | None = None
    pending: Report | None = None
    version: int

    @property
    def key(self) -> dict[str, str]:
        return {"meter": self.meter, "hour": self.hour}


class UsageHours:
    """Reads hours that are due, and notes what is told of them."""

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    def find(self, meter: str, hour: str) -> UsageHour | None:
        item = self._store.get(HOURS, {"meter": meter, "hour": hour})
        return None if item is None else UsageHour.model_validate(item)

    def untold(self, account_id: str, metric: str) -> list[UsageHour]:
        """Of the last hours in which an account used a metric those of which something was not told yet."""
        found = self._store.query(
            HOURS, Equals("meter", meter_of(account_id, metric)), limit=_LAST, descending=True
        )
        hours = [UsageHour.model_validate(item) for item in found.items]
        return [hour for hour in hours if hour.pending or hour.quantity != hour.reported]

    def take_due(self, now: datetime) -> list[dict[str, str]]:
        """The keys of hours that have settled, some thousands at most; each is due again after a lease."""
        taken: list[dict[str, str]] = []
        until = AtMost("due_at", times.text(now))
        for number in range(SHARDS):
            shard = Equals("due", due_shard(number))
            for _ in range(_PAGES):  # what is taken is no longer among the next ones
                page = self._store.query(HOURS, shard, index="by_due", sort=until, limit=_PAGE).items
                taken += [key for item in page if (key := self._leased(item, now))]
                if len(page) < _PAGE:
                    break
        return taken

    def _leased(self, item: Item, now: datetime) -> dict[str, str] | None:
        key = {"meter": item["meter"], "hour": item["hour"]}
        leased = {"due_at": times.text(now + LEASE)}
        try:
            self._store.write(Update(HOURS, key, set=leased, if_=Equals("due_at", item["due_at"])))
        except ConditionFailed:
            return None  # usage came this moment, and with it another time
        return key

    def begin(self, hour: UsageHour, report: Report) -> UsageHour:
        """Write down what is going to be told. Raises StaleWrite when usage came this moment."""
        pending = {"pending": report.model_dump(exclude_none=True)}
        as_read = Equals("version", hour.version)
        item = self._store.write(Update(HOURS, hour.key, set=pending, add={"version": 1}, if_=as_read))
        return UsageHour.model_validate(item)

    def rest(self, hour: UsageHour) -> None:
        """Nothing is to be told of it until more usage comes. Raises StaleWrite when some just came."""
        self._store.write(
            Update(HOURS, hour.key, remove=("due", "due_at"), if_=Equals("version", hour.version))
        )

    def finish(self, hour: UsageHour, report: Report, subscriber: Subscriber, *, now: datetime) -> None:
        """Note that the report was told, with its event; an hour that has grown meanwhile stays due."""
        event = UsageReported(
            metric=hour.metric,
            subscription_id=subscriber.subscription_id,
            hour=hour.hour,
            quantity=report.quantity,
            total=report.total,
            records=report.records,
            revision=report.revision,
            billed=report.identifier is not None,
            late=report.late,
            counted_at=report.counted_at,
        )
        current: UsageHour | None = hour
        for _ in range(_TRIES):
            if current is None or current.revision >= report.revision:
                return  # another hand has noted it
            try:
                self._log.commit(
                    hour.account_id,
                    [event],
                    _told(current, report),
                    correlation_id=subscriber.correlation_id,
                    now=now,
                )
            except ConditionFailed:
                current = self.find(hour.meter, hour.hour)
            else:
                return
        raise StaleWrite(f"usage of {hour.hour} keeps coming; note its report again")


def _told(hour: UsageHour, report: Report) -> list[Write]:
    whole = hour.quantity == report.total
    writes: list[Write] = [
        Update(
            HOURS,
            hour.key,
            set={
                "reported": report.total,
                "revision": report.revision,
                "reported_at": report.begun_at,
            },
            add={"version": 1},
            remove=("pending", "due", "due_at") if whole else ("pending",),
            if_=Equals("version", hour.version),
        )
    ]
    if report.late:
        period = {"meter": hour.meter, "period": hour.period}
        writes.append(Update(PERIODS, period, add={"billed_later": report.quantity}))
    return writes
