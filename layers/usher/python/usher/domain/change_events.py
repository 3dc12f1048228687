"""Events of a subscription that becomes another: its plan, its end, what it brings in."""

from typing import ClassVar, Literal

from usher.domain.billing_events import SubscriptionEvent
from usher.domain.event import Event


class SubscriptionReactivated(SubscriptionEvent):
    """What was to end, or had ended, goes on: by undoing the end, or by a new subscription after it."""

    type: ClassVar[str] = "subscription.reactivated"
    former_subscription_id: str | None = None


class SubscriptionCancelScheduled(SubscriptionEvent):
    """It ends at `ends_at` unless that is undone."""

    type: ClassVar[str] = "subscription.cancel_scheduled"
    ends_at: str


class SubscriptionChangeScheduled(SubscriptionEvent):
    """Another plan or quantity begins at a moment; without `to_plan` a scheduled change was called off."""

    type: ClassVar[str] = "subscription.change_scheduled"
    to_plan: str | None = None
    to_quantity: int | None = None
    at: str | None = None


class SubscriptionPlanChanged(SubscriptionEvent):
    """What every event about another plan, price or quantity says."""

    quantity: int
    former_plan: str | None
    former_quantity: int


class SubscriptionUpgraded(SubscriptionPlanChanged):
    """It brings in more a month than before."""

    type: ClassVar[str] = "subscription.upgraded"


class SubscriptionDowngraded(SubscriptionPlanChanged):
    """It brings in less a month than before, or as much on another plan."""

    type: ClassVar[str] = "subscription.downgraded"


class SubscriptionProratedCharge(SubscriptionEvent):
    """A change within a paid period was billed: the sum of its proration lines, below 0 a credit."""

    type: ClassVar[str] = "subscription.prorated_charge"
    invoice_id: str
    amount_minor: int
    currency: str


class MrrChanged(Event):
    """What the account brings in a month changed by `amount_minor`, to `total_minor`, in `currency`.

    `subscription_id` is whose change it was (seed 4, section 3: new, expansion, churned; domain/mrr.py).
    """

    type: ClassVar[str] = "mrr.changed"
    subscription_id: str
    movement: Literal["new", "expansion", "contraction", "churned", "reactivated"]
    amount_minor: int
    total_minor: int
    currency: str
    plan: str | None = None
