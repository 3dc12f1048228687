"""Events in words: what a reader of the story is told of each, and which are not worth a line."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from usher.domain import money
from usher.domain.event import Envelope

Payload = Mapping[str, Any]


def words(event: Envelope) -> str | None:
    """One line about the event; None for one that only machines care about."""
    tell = _WORDS.get(event.type)
    return tell(event.payload) if tell else None


def _amount(payload: Payload, name: str = "amount_minor") -> str:
    return money.text(int(payload[name]), str(payload["currency"]))


def _day(payload: Payload, name: str) -> str:
    return f"{datetime.fromisoformat(payload[name]):%d %b %Y}"


def _plain(text: str) -> Callable[[Payload], str]:
    return lambda payload: text.format(**payload)


def _invoice(p: Payload) -> str | None:
    if not p["amount_due_minor"] and not p.get("total_minor"):
        return None
    parts = [f"invoice {p.get('number') or p['invoice_id']} of {_amount(p, 'total_minor')}"]
    if p.get("credit_applied_minor"):
        parts.append(f"{_amount(p, 'credit_applied_minor')} of it from the credit balance")
    return ", ".join(parts)


def _mrr(p: Payload) -> str:
    sign = "+" if p["amount_minor"] > 0 else ""
    return f"MRR {sign}{_amount(p)} ({p['movement']}): {_amount(p, 'total_minor')}"


_WORDS: dict[str, Callable[[Payload], str | None]] = {
    "account.created": _plain("an account is made"),
    "account.activated": lambda p: f"active {p['milliseconds_to_active'] / 1000:.1f} s after signing up",
    "onboarding.completed": _plain("in HubSpot, and welcomed by mail"),
    "subscription.trial_started": lambda p: f"trial of {p['plan']} until {_day(p, 'trial_end')}",
    "subscription.trial_ending": lambda p: f"told that the trial ends on {_day(p, 'trial_end')}",
    "subscription.trial_converted": _plain("the trial has become a paid {plan}"),
    "subscription.created": lambda p: None if p["status"] == "trialing" else f"{p['plan']} begins",
    "subscription.upgraded": lambda p: f"upgraded from {p['former_plan']} to {p['plan']}",
    "subscription.downgraded": lambda p: f"downgraded from {p['former_plan']} to {p['plan']}",
    "subscription.change_scheduled": lambda p: (
        f"{p['to_plan']} is to follow on {_day(p, 'at')}" if p.get("to_plan") else "no change is to follow"
    ),
    "subscription.cancel_scheduled": lambda p: f"is to end on {_day(p, 'ends_at')}",
    "subscription.canceled": _plain("{plan} has ended"),
    "subscription.reactivated": _plain("back, on {plan}"),
    "subscription.paused": _plain("paused"),
    "subscription.resumed": _plain("goes on"),
    "subscription.payment_failed": _plain("past due"),
    "subscription.payment_recovered": _plain("no longer past due"),
    "subscription.prorated_charge": lambda p: f"prorated: {_amount(p)}",
    "mrr.changed": _mrr,
    "invoice.generated": _invoice,
    "invoice.voided": lambda p: f"invoice {p['invoice_id']} is void",
    "payment.succeeded": lambda p: f"paid {_amount(p)}",
    "payment.failed": lambda p: f"{_amount(p)} could not be collected ({p.get('failure_code', 'no reason')})",
    "refund.issued": lambda p: f"{_amount(p)} paid back",
    "credit_note.issued": lambda p: f"credit note of {_amount(p)}",
}
