"""Before a plan changes: what was used so far is told to the vendor, so that the former price bills it."""

from dataclasses import dataclass

from usher.domain.errors import PermanentError, StaleWrite
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy
from usher.ports.clock import Clock
from usher.ports.meters import Meters
from usher.records.subscribers import Subscribers
from usher.records.usage_hours import UsageHour, UsageHours
from usher.usecases.push_usage import PushUsage, push_usage

_MOST = 6  # hours of a metric: a call of the vendor each, while somebody waits for the change
_TRIES = 3


@dataclass(frozen=True, slots=True)
class UsageFlush:
    """What telling an account's usage early needs."""

    hours: UsageHours
    subscribers: Subscribers
    meters: Meters
    plans: PlanCatalog
    policy: UsagePolicy
    clock: Clock

    def flush(self, account_id: str) -> int:
        """Tell it; returns of how many hours. What is told is told once, by whom ever.

        What the vendor never takes holds up no change: it is tried as ever, and then on the list of failures.
        Raises RetryableError.
        """
        subscriber = self.subscribers.of([account_id]).get(account_id)
        plan = self.plans.plans.get(subscriber.plan or "") if subscriber else None
        hours = [
            hour
            for metric in (plan.metered if plan else ())
            for hour in self.hours.untold(account_id, metric)[:_MOST]
        ]
        for hour in hours:
            self._tell(hour)
        return len(hours)

    def _tell(self, hour: UsageHour) -> None:
        for last in (*([False] * (_TRIES - 1)), True):
            try:
                push_usage(
                    PushUsage(meter=hour.meter, hour=hour.hour),
                    hours=self.hours,
                    subscribers=self.subscribers,
                    meters=self.meters,
                    plans=self.plans,
                    policy=self.policy,
                    clock=self.clock,
                )
            except PermanentError:
                return
            except StaleWrite:  # more was used at this moment
                if last:
                    raise
            else:
                return
