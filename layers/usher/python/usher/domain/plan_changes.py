"""What a change of plan or quantity is, whether it may be, and when it begins."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from usher.domain.change_policy import ChangePolicy, When
from usher.domain.errors import Conflict
from usher.domain.mrr import monthly_minor
from usher.domain.plan_choice import amount_of, monthly_of
from usher.domain.plans import PlanCatalog, price_key
from usher.domain.problems import FieldError, invalid

Row = Mapping[str, Any]
Direction = Literal["upgrade", "downgrade", "promotion", "call_off"]
CHANGEABLE = frozenset({"active", "trialing"})
ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the request asks for; None is as it is now, or as the policy says."""

    plan: str | None = None
    quantity: int | None = None
    promo: str | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change that may be made.

    Attributes:
        price_key: the lookup key of its price at the vendor.
        usage_keys: those of what the plan bills by use.
    """

    plan: str
    price_key: str
    quantity: int
    promo: str | None
    when: When
    direction: Direction
    usage_keys: tuple[str, ...] = ()

    def as_item(self) -> dict[str, Any]:
        """What is stored of it; `of_item` reads it back."""
        item = {name: value for name, value in asdict(self).items() if value is not None}
        return item | {"usage_keys": list(self.usage_keys)}

    @classmethod
    def of_item(cls, item: Row) -> "PlanChange":
        return cls(**{"promo": None, **item, "usage_keys": tuple(item.get("usage_keys", ()))})


def judged(
    wanted: Wanted, row: Row, *, catalog: PlanCatalog, policy: ChangePolicy, may_review: bool
) -> PlanChange:
    """The change that `wanted` makes of the subscription `row`.

    An upgrade brings in more a month than before, discounts aside; anything else is a downgrade. The plan
    that holds now calls off a change that is scheduled.

    Args:
        may_review: whether the caller may put somebody on a plan that sales decides on.

    Raises:
        Conflict: the subscription cannot change now, or would not change.
        Problem: 400 naming the field that cannot be.
    """
    refuse_unless_changeable(row)
    currency = str(row.get("currency") or catalog.currency)
    plan, quantity = wanted.plan or str(row.get("plan")), wanted.quantity or int(row["quantity"])
    amount = amount_of(plan, currency, catalog=catalog, may_review=may_review)
    if quantity > policy.most:
        raise invalid((FieldError("quantity", f"is at most {policy.most}"),))
    key, *usage = _price_keys(plan, currency, catalog)
    same = (plan, quantity) == (row.get("plan"), row["quantity"])
    if same:
        direction = _without_another_plan(wanted, row)
        return PlanChange(plan, key, quantity, wanted.promo, "now", direction, tuple(usage))
    interval = catalog.plans[plan].interval
    after = monthly_minor(amount_minor=amount, quantity=quantity, interval=interval)
    more = after > monthly_of(row, catalog)
    return PlanChange(
        plan,
        key,
        quantity,
        wanted.promo,
        _when(wanted, row, more, policy),
        "upgrade" if more else "downgrade",
        tuple(usage),
    )


def judged_anew(
    wanted: Wanted, row: Row, *, catalog: PlanCatalog, policy: ChangePolicy, may_review: bool
) -> PlanChange:
    """The subscription that begins after `row` has ended, by default to the same plan.

    Raises Problem 400 naming the field that cannot be.
    """
    currency = str(row.get("currency") or catalog.currency)
    plan, quantity = wanted.plan or str(row.get("plan")), wanted.quantity or int(row["quantity"])
    amount_of(plan, currency, catalog=catalog, may_review=may_review)
    if quantity > policy.most:
        raise invalid((FieldError("quantity", f"is at most {policy.most}"),))
    key, *usage = _price_keys(plan, currency, catalog)
    return PlanChange(plan, key, quantity, wanted.promo, "now", "upgrade", tuple(usage))


def refuse_unless_changeable(row: Row) -> None:
    """Raise Conflict that says what to do first, unless the subscription may change now."""
    status, id = row["status"], row["subscription_id"]
    if status in ENDED:
        raise Conflict(f"subscription {id} has ended; POST .../subscription/reactivate begins a new one")
    if status == "paused":
        raise Conflict(f"subscription {id} is paused; POST .../subscription/resume first")
    if status not in CHANGEABLE:
        raise Conflict(f"subscription {id} is {status}: its open invoice has to be paid first")
    if row.get("cancel_at") or row.get("cancel_at_period_end"):
        end = row.get("cancel_at") or row["current_period_end"]
        raise Conflict(f"subscription {id} ends at {end}; POST .../subscription/reactivate keeps it first")


def _price_keys(plan: str, currency: str, catalog: PlanCatalog) -> list[str]:
    """The key of the plan's own price, then those of what it bills by use."""
    other = None if currency == catalog.currency else currency
    metrics = (None, *catalog.plans[plan].metered)
    return [price_key(plan, metric=metric, currency=other) for metric in metrics]


def _without_another_plan(wanted: Wanted, row: Row) -> Direction:
    if row.get("scheduled_plan"):
        return "call_off"
    if wanted.promo:
        return "promotion"
    raise Conflict(f"the subscription is to {row.get('plan')} (quantity {row['quantity']}) already")


def _when(wanted: Wanted, row: Row, more: bool, policy: ChangePolicy) -> When:
    if row["status"] == "trialing":
        if wanted.when == "period_end":
            raise Conflict("in a trial another plan begins at once and costs nothing; send when: now")
        return "now"
    when: When = wanted.when or (policy.upgrade if more else policy.downgrade)
    if when == "now" and not more and not policy.downgrade_now:
        raise Conflict("a downgrade begins at the end of the period; send when: period_end")
    return when
