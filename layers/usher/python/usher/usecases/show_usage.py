"""GET /v1/accounts/{id}/usage: what an account has used per metric and billing period, against its limits."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain import times
from usher.domain.errors import NotFound
from usher.domain.metering import Limit
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy, alerts
from usher.ports.clock import Clock
from usher.ports.store import Item
from usher.records.subscribers import Subscriber, Subscribers
from usher.records.usage import UsageBook
from usher.usecases.fields import Body


class UsageQuery(Body):
    """`periods`: how many of each metric, the one that runs included."""

    periods: Annotated[int, Field(ge=1, le=12)] = 1


class UsageInPeriod(BaseModel):
    """From `start` up to `end` (ISO 8601 UTC). `billed_later` of `quantity` came after the period's invoice.

    `most`, `percent` (rounded down) and `state` are against the limit of the plan that holds now.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    start: str
    end: str
    quantity: int
    records: int
    billed_later: int
    most: int | None
    hard: bool
    percent: int | None
    state: Literal["unlimited", "within", "near", "reached"]


class UsageOfMetric(BaseModel):
    """`billed`: more than nothing of it costs, on this plan."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    metric: str
    name: str
    unit: str
    billed: bool
    periods: list[UsageInPeriod]


class Usage(BaseModel):
    """What is answered; every metric that is counted, whether or not it was used."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    account_id: str
    plan: str | None
    metrics: list[UsageOfMetric]


def show_usage(
    account_id: str,
    query: UsageQuery,
    *,
    book: UsageBook,
    subscribers: Subscribers,
    plans: PlanCatalog,
    policy: UsagePolicy,
    clock: Clock,
) -> Usage:
    """Raises NotFound. What is still buffered is not among it."""
    owner = subscribers.of([account_id]).get(account_id)
    if owner is None:
        raise NotFound(f"no account {account_id}")
    plan, now = plans.plans.get(owner.plan or ""), clock.now()
    shown: list[UsageOfMetric] = []
    for key, metric in plans.metrics.items():
        rows = book.periods(account_id, key, limit=query.periods + 1)
        limit = plan.limits.get(key) if plan else None
        shown.append(
            UsageOfMetric(
                metric=key,
                name=metric.name,
                unit=metric.unit,
                billed=bool(plan and key in plan.metered),
                periods=[
                    _period(row, limit, policy) for row in _with_current(rows, owner, now)[: query.periods]
                ],
            )
        )
    return Usage(account_id=account_id, plan=owner.plan, metrics=shown)


def _with_current(rows: list[Item], owner: Subscriber, now: datetime) -> list[Item]:
    """The periods newest first, and the one that runs among them though nothing was used in it."""
    current = owner.period_of(now)
    start = times.text(current.start)
    if any(row["period"] == start for row in rows):
        return rows
    unused = {"period": start, "ends_at": times.text(current.end), "quantity": 0, "records": 0}
    return sorted([*rows, unused], key=lambda row: str(row["period"]), reverse=True)


def _period(row: Item, limit: Limit | None, policy: UsagePolicy) -> UsageInPeriod:
    quantity = row["quantity"]
    state: Literal["unlimited", "within", "near", "reached"] = "unlimited" if limit is None else "within"
    if limit is not None:
        for alert in alerts(total=quantity, most=limit.most, near_percent=policy.near_percent, told=()):
            state = alert
    return UsageInPeriod(
        start=row["period"],
        end=row["ends_at"],
        quantity=quantity,
        records=row["records"],
        billed_later=row.get("billed_later", 0),
        most=limit.most if limit else None,
        hard=bool(limit and limit.hard),
        percent=quantity * 100 // limit.most if limit and limit.most else None,
        state=state,
    )
