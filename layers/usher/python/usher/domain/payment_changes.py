"""What happened to money that moved, read from the difference between our copy and now.

Both are records in our field names (ports/billing_facts.py); no copy is None.
"""

from collections.abc import Mapping
from typing import Any

from usher.domain.event import Event
from usher.domain.payment_events import (
    DisputeFeeKnown,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentApplied,
    PaymentFailed,
    PaymentFeeKnown,
    PaymentSucceeded,
    RefundFailed,
    RefundIssued,
)

Row = Mapping[str, Any]
_RETURNED = frozenset({"failed", "canceled"})
# The vendor's own words for it (docs.stripe.com/api/refunds/object, read 2026-11).
_WORDS = frozenset({"duplicate", "fraudulent", "requested_by_customer", "expired_uncaptured_charge"})


def payment_changes(before: Row | None, after: Row) -> list[Event]:
    """A payment succeeds once; it fails with every charge that does."""
    was, now, common = before["status"] if before else None, after["status"], _payment(after)
    fee = after.get("fee_minor")
    if now == "succeeded":
        if was != now:
            return [PaymentSucceeded(**common, method=after.get("method"), fee_minor=fee)]
        known = before or {}
        later: list[Event] = []
        if after.get("invoice_id") and not known.get("invoice_id"):
            later.append(PaymentApplied(**common))
        if fee is not None and known.get("fee_minor") is None:
            later.append(PaymentFeeKnown(**common, fee_minor=fee))
        return later
    again = before is not None and _another(before.get("charge_id"), after.get("charge_id"))
    if now == "failed" and (was != now or again):
        names = ("failure_code", "card_brand", "card_country")
        return [PaymentFailed(**common, **{name: after.get(name) for name in names})]
    return []


def refund_changes(before: Row | None, after: Row) -> list[Event]:
    """A refund is issued when it is first seen, even one that has failed by then.

    What a person wrote as its reason may name somebody: it stays on the refund and in the audit log.
    """
    names = ("refund_id", "payment_id", "amount_minor", "currency")
    common = {name: after.get(name) for name in names}
    happened: list[Event] = []
    reason = after.get("reason")
    if before is None:
        happened.append(RefundIssued(**common, reason=reason if reason in _WORDS else None))
    if after["status"] in _RETURNED and not (before and before["status"] in _RETURNED):
        happened.append(RefundFailed(**common))
    return happened


def dispute_changes(before: Row | None, after: Row) -> list[Event]:
    """A dispute is opened when money was taken: an inquiry (warning_*) only asks.

    The vendor may say only later what it asks for that, ask for more, or give some back.
    """
    names = ("dispute_id", "payment_id", "amount_minor", "currency", "reason")
    common = {name: after.get(name) for name in names}
    status, happened = after["status"], list[Event]()
    (fee, returned), (fee_told, returned_told) = _fees(after), _fees(before or {})
    if _took_money(after) and not (before and _took_money(before)):
        due, fee_told = after.get("evidence_due_at"), fee
        happened.append(DisputeOpened(**common, fee_minor=fee, evidence_due_at=due))
    if before is None or before["status"] != status:
        if status == "won":
            returned_told = returned
            happened.append(DisputeWon(**common, fee_returned_minor=returned))
        if status == "lost":
            happened.append(DisputeLost(**common))
    if _took_money(after) and (fee > fee_told or returned > returned_told):
        happened.append(DisputeFeeKnown(**common, fee_minor=fee, fee_returned_minor=returned))
    return happened


def _fees(row: Row) -> tuple[int, int]:
    """What the vendor asked for a dispute, and what of it came back: both only ever grow."""
    return row.get("fee_minor", 0), row.get("fee_returned_minor", 0)


def _took_money(row: Row) -> bool:
    return not row["status"].startswith("warning_") and row["status"] != "prevented"


def _another(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and before != after


def _payment(row: Row) -> dict[str, Any]:
    return {
        "payment_id": row["payment_id"],
        "invoice_id": row.get("invoice_id"),
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
    }
