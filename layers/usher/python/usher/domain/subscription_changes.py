"""What happened to a subscription, read from the difference between the copy we had and what it is now (C3).

Both are records in our field names (ports/billing_facts.py, SubscriptionSnapshot); no copy is None.
"""

from collections.abc import Mapping
from typing import Any

from usher.domain import mrr
from usher.domain.billing_events import (
    SubscriptionActivated,
    SubscriptionCanceled,
    SubscriptionCreated,
    SubscriptionEscalated,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionPaymentFailed,
    SubscriptionPaymentRecovered,
    SubscriptionResumed,
    SubscriptionTrialConverted,
    SubscriptionTrialExtended,
    SubscriptionTrialStarted,
)
from usher.domain.change_events import SubscriptionDowngraded, SubscriptionUpgraded
from usher.domain.event import Event
from usher.domain.subscription_terms import common_of, plan_of, term_changes

Row = Mapping[str, Any]
_BY_STATUS: dict[str, type[SubscriptionEvent]] = {
    "active": SubscriptionActivated,
    "paused": SubscriptionPaused,
    "past_due": SubscriptionPaymentFailed,
    "unpaid": SubscriptionEscalated,
    "canceled": SubscriptionCanceled,
    "incomplete_expired": SubscriptionCanceled,
}
_OWING = frozenset({"past_due", "unpaid"})


def subscription_changes(before: Row | None, after: Row) -> list[Event]:
    """Events that tell how `before` became `after`, in the order in which they make sense."""
    return [*_status(before, after), *term_changes(before, after), *_plans(before, after)]


def monthly_minor(row: Row) -> int:
    """What the subscription brings in a month now: 0 unless it is being paid for, in minor units.

    One whose collection is paused brings in nothing while it is; one that is to end counts up to its end.
    """
    if row["status"] not in mrr.COUNTED or row.get("pause_behavior"):
        return 0
    return _monthly(row, discounted=True)


def _monthly(row: Row, *, discounted: bool) -> int:
    if row.get("amount_minor") is None or row.get("interval") is None:
        return 0
    return mrr.monthly_minor(
        amount_minor=row["amount_minor"],
        quantity=row["quantity"],
        interval=row["interval"],
        interval_count=row.get("interval_count", 1),
        percent_off=row.get("percent_off") if discounted else None,
        amount_off_minor=row.get("amount_off_minor") if discounted else None,
    )


def _status(before: Row | None, after: Row) -> list[Event]:
    was, now, common = before["status"] if before else None, after["status"], common_of(after)
    trial_end = after.get("trial_end")
    if was == now:
        longer = now == "trialing" and before is not None and _later(before.get("trial_end"), trial_end)
        return [SubscriptionTrialExtended(**common, trial_end=trial_end)] if longer else []
    happened: list[Event] = []
    if was is None:
        happened.append(SubscriptionCreated(**common, trial_end=trial_end))
    if now == "trialing" and trial_end is not None:
        happened.append(SubscriptionTrialStarted(**common, trial_end=trial_end))
    if now == "active":
        if was == "trialing":
            happened.append(SubscriptionTrialConverted(**common))
        if was == "paused":
            happened.append(SubscriptionResumed(**common))
        if was in _OWING:
            happened.append(SubscriptionPaymentRecovered(**common))
    if kind := _BY_STATUS.get(now):
        happened.append(kind(**common))
    return happened


def _later(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and after > before


def _plans(before: Row | None, after: Row) -> list[Event]:
    """Another plan, price or quantity; what it brings in is compared before discounts.

    A promotion that comes with a larger plan does not make it a smaller one.
    """
    if before is None or (plan_of(before), before["price_id"]) == (plan_of(after), after["price_id"]):
        return []
    more = _monthly(after, discounted=False) > _monthly(before, discounted=False)
    kind = SubscriptionUpgraded if more else SubscriptionDowngraded
    return [
        kind(
            **common_of(after),
            quantity=after["quantity"],
            former_plan=before.get("plan"),
            former_quantity=before["quantity"],
        )
    ]
