"""What is scheduled or held of a subscription: its end, a change that waits, its collection.

Rows are records in our field names (ports/billing_facts.py, SubscriptionSnapshot); no copy is None.
"""

from collections.abc import Mapping
from typing import Any

from usher.domain.billing_events import SubscriptionPaused, SubscriptionResumed
from usher.domain.change_events import (
    SubscriptionCancelScheduled,
    SubscriptionChangeScheduled,
    SubscriptionReactivated,
)
from usher.domain.event import Event

Row = Mapping[str, Any]
ENDED = frozenset({"canceled", "incomplete_expired"})
_SCHEDULED = ("scheduled_plan", "scheduled_quantity", "scheduled_at")


def term_changes(before: Row | None, after: Row) -> list[Event]:
    """What was set or held of a subscription that goes on, and what is not any more."""
    if after["status"] in ENDED:
        return []
    happened: list[Event] = []
    common, former = common_of(after), before or {}
    ends_at, ended_at = _end(after), _end(former)
    if ends_at and ends_at != ended_at:
        happened.append(SubscriptionCancelScheduled(**common, ends_at=ends_at))
    elif ended_at and not ends_at:
        happened.append(SubscriptionReactivated(**common))
    if [after.get(name) for name in _SCHEDULED] != [former.get(name) for name in _SCHEDULED]:
        came = "scheduled_plan" in former and plan_of(after) == (
            former["scheduled_plan"],
            former.get("scheduled_quantity", former["quantity"]),
        )
        if "scheduled_plan" in after or not came:  # what has begun as scheduled was not called off
            values = dict(zip(("to_plan", "to_quantity", "at"), map(after.get, _SCHEDULED), strict=True))
            happened.append(SubscriptionChangeScheduled(**common, **values))
    if bool(after.get("pause_behavior")) != bool(former.get("pause_behavior")):
        happened.append(
            SubscriptionPaused(**common) if after.get("pause_behavior") else SubscriptionResumed(**common)
        )
    return happened


def _end(row: Row) -> str | None:
    """When it is to end, ISO 8601 UTC."""
    if row.get("cancel_at"):
        return str(row["cancel_at"])
    return str(row["current_period_end"]) if row.get("cancel_at_period_end") else None


def plan_of(row: Row) -> tuple[str | None, int]:
    """Its plan and how many of it."""
    return row.get("plan"), row["quantity"]


def common_of(row: Row) -> dict[str, Any]:
    """What every event about the subscription says."""
    return {
        "subscription_id": row["subscription_id"],
        "plan": row.get("plan"),
        "status": row["status"],
    }
