"""What happened to a customer or an invoice, read from the difference between our copy and now.

Both are records in our field names (ports/billing_facts.py); no copy is None.
"""

from collections.abc import Collection, Mapping
from typing import Any

from usher.domain.account_events import AccountBillingChanged, AccountCustomerDeleted
from usher.domain.event import Event
from usher.domain.invoice_events import (
    BilledService,
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceGenerated,
    InvoicePaid,
    InvoiceUncollectible,
    InvoiceVoided,
)

Row = Mapping[str, Any]
_LINE = {"period_start": "start", "period_end": "end"}


def customer_changes(*, customer_id: str, changed: Collection[str]) -> list[Event]:
    """Events for an account of which these fields now differ from what we held of its customer."""
    if "customer_deleted_at" in changed:
        return [AccountCustomerDeleted(customer_id=customer_id)]
    told = tuple(sorted(set(changed) - {"customer_id"}))  # the link is ours; nothing changed at the vendor
    return [AccountBillingChanged(changed=told)] if told else []


def invoice_changes(before: Row | None, after: Row) -> list[Event]:
    """An invoice is generated once: when it is final, and all its lines are known."""
    happened: list[Event] = []
    if _generated(after) and not _generated(before):
        happened.append(
            InvoiceGenerated(
                **_invoice(after),
                number=after.get("number"),
                total_minor=after.get("total_minor"),
                tax_minor=after.get("tax_minor", 0),
                credit_applied_minor=after.get("credit_applied_minor", 0),
                billing_reason=after.get("billing_reason"),
                lines=tuple(
                    BilledService.model_validate(
                        {_LINE.get(name, name): value for name, value in line.items()}
                    )
                    for line in after["lines"]
                ),
            )
        )
    status = after["status"]
    if before is not None and before["status"] == status:
        return happened
    if status == "paid":
        happened.append(
            InvoicePaid(
                **_invoice(after),
                amount_paid_minor=after["amount_paid_minor"],
                out_of_band=after.get("paid_out_of_band", False),
            )
        )
    if status in {"void", "uncollectible"}:
        kind = InvoiceVoided if status == "void" else InvoiceUncollectible
        remaining = after.get("amount_remaining_minor", after["amount_due_minor"])
        happened.append(kind(**_invoice(after), amount_remaining_minor=remaining))
    return happened


def invoice_is_new(before: Row | None, after: Row) -> bool:
    """Whether this difference is the one that `invoice.generated` tells of."""
    return _generated(after) and not _generated(before)


def credit_note_changes(before: Row | None, after: Row) -> list[Event]:
    common = {name: after.get(name) for name in ("credit_note_id", "invoice_id", "amount_minor", "currency")}
    parts = {name: after.get(name, 0) for name in ("refunded_minor", "credited_minor", "out_of_band_minor")}
    happened: list[Event] = []
    if before is None:
        happened.append(CreditNoteIssued(**common, **parts, reason=after.get("reason")))
    if after["status"] == "void" and not (before and before["status"] == "void"):
        happened.append(CreditNoteVoided(**common))
    return happened


def _generated(row: Row | None) -> bool:
    return row is not None and row["status"] != "draft" and "lines" in row


def _invoice(row: Row) -> dict[str, Any]:
    return {
        "invoice_id": row["invoice_id"],
        "subscription_id": row.get("subscription_id"),
        "amount_due_minor": row["amount_due_minor"],
        "currency": row["currency"],
    }
