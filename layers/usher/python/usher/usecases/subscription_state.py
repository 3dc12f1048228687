"""How a subscription stands, in every answer about it and in the audit; what an answer says of a decline."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain.problems import Problem
from usher.ports.billing_facts import Declined
from usher.ports.store import Item

_SHOWN = ("plan", "quantity", "status", "current_period_end", "trial_end", "cancel_at", "canceled_at")
_SCHEDULED = ("scheduled_plan", "scheduled_quantity", "scheduled_at")


class SubscriptionState(BaseModel):
    """How a subscription stands, in every answer about it. Times are ISO 8601 UTC."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    account_id: str
    subscription_id: str
    plan: str | None
    quantity: int
    currency: str | None = None
    status: str
    current_period_end: str
    trial_end: str | None = None
    cancel_at: str | None = None
    canceled_at: str | None = None
    scheduled: dict[str, Any] | None = None


def state_of(account_id: str, row: Item) -> SubscriptionState:
    """Our copy of a subscription as answers show it."""
    scheduled = {name.removeprefix("scheduled_"): row[name] for name in _SCHEDULED if name in row}
    ends = row.get("cancel_at") or (row["current_period_end"] if row.get("cancel_at_period_end") else None)
    return SubscriptionState(
        account_id=account_id,
        subscription_id=row["subscription_id"],
        plan=row.get("plan"),
        quantity=row["quantity"],
        currency=row.get("currency"),
        status=row["status"],
        current_period_end=row["current_period_end"],
        trial_end=row.get("trial_end"),
        cancel_at=ends,
        canceled_at=row.get("canceled_at"),
        scheduled=scheduled or None,
    )


def shown(row: Item) -> Item:
    """What the audit keeps of a copy."""
    names = (*_SHOWN, *_SCHEDULED, "cancel_at_period_end")
    return {name: row[name] for name in names if row.get(name) is not None}


def declined(outcome: Declined, what: str) -> Problem:
    """A 402: the bank said no, and nothing changed."""
    detail = f"{what} was not made: {outcome.reason}. Give another payment method, then send a new request"
    return Problem(402, "Payment declined", detail, more={"code": outcome.code})
