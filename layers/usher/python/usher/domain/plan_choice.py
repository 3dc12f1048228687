"""Which plans can be changed to, for how much, and what a subscription brings in a month."""

from collections.abc import Mapping
from typing import Any

from usher.domain.mrr import monthly_minor
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, invalid

Row = Mapping[str, Any]


def amount_of(plan: str, currency: str, *, catalog: PlanCatalog, may_review: bool) -> int:
    """What the plan costs per interval, in minor units; raises Problem 400 where it is not to be had."""
    found = catalog.plans.get(plan)
    open_to = ("open", "review") if may_review else ("open",)
    if found is None or not found.billed or found.admission not in open_to:
        known = sorted(
            key for key, each in catalog.plans.items() if each.billed and each.admission in open_to
        )
        raise invalid((FieldError("plan", f"cannot be changed to; these can: {', '.join(known)}"),))
    amount = catalog.amount_in(plan, currency)
    if amount is None:
        sold = ", ".join(sorted({catalog.currency, *found.currencies}))
        message = f"is sold in {sold} and the subscription is in {currency}: cancel it and buy the plan anew"
        raise invalid((FieldError("plan", message),))
    return amount


def monthly_of(row: Row, catalog: PlanCatalog) -> int:
    """What the subscription brings in a month before discounts, in minor units."""
    amount, interval = row.get("amount_minor"), row.get("interval")
    if amount is None or interval is None:  # a copy from before these were kept
        plan = catalog.plans.get(str(row.get("plan")))
        amount, interval = (plan.amount_minor, plan.interval) if plan else (0, "month")
    count = int(row.get("interval_count") or 1)
    return monthly_minor(
        amount_minor=amount, quantity=int(row["quantity"]), interval=interval, interval_count=count
    )
