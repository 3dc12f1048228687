"""Events of metered usage: what was counted, limits that are near or reached, records that contradict."""

from typing import ClassVar

from usher.domain.event import Event


class UsageEvent(Event):
    """What every event about usage says. Quantities are in the metric's unit, times ISO 8601 UTC."""

    metric: str


class UsageReported(UsageEvent):
    """An hour's usage is counted: `quantity` of it is new, `total` all of it so far.

    `revision` counts the reports of one hour from 1: a further one tells what came after. `billed`: the
    payment vendor counted it too, at `counted_at`. `late`: the invoice of the hour's own period was closed,
    and the next one has it.
    """

    type: ClassVar[str] = "usage.reported"
    subscription_id: str | None = None
    hour: str
    quantity: int
    total: int
    records: int
    revision: int
    billed: bool
    late: bool = False
    counted_at: str | None = None


class UsageLimitEvent(UsageEvent):
    """What every event about a limit of a plan says. `hard`: more is not to be served."""

    plan: str | None
    period_start: str
    period_end: str
    quantity: int
    most: int
    hard: bool


class UsageLimitNear(UsageLimitEvent):
    """Most of what the plan holds for the period is used; told once per period and limit."""

    type: ClassVar[str] = "usage.limit_near"
    percent: int


class UsageLimitReached(UsageLimitEvent):
    """What the plan holds for the period is used up; told once per period and limit."""

    type: ClassVar[str] = "usage.limit_reached"


class UsageContradicted(UsageEvent):
    """A record came again under the same id with other content; the first one counts. Told once per id."""

    type: ClassVar[str] = "usage.contradicted"
    record_id: str
