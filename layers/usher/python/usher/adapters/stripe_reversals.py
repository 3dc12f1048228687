"""What takes a payment or an invoice back, as snapshots: refunds, disputes, credit notes."""

from typing import Any

from usher.adapters.stripe_fields import get, id_of, moment, whole
from usher.ports.billing_facts import CreditNoteSnapshot, DisputeSnapshot, RefundSnapshot


def refund_of(refund: Any, *, customer_id: str | None = None) -> RefundSnapshot:
    """`customer_id` is that of its charge, where the refund itself names none.

    The reason that an operator of ours gave is in its metadata; Stripe's own knows three words.
    """
    return RefundSnapshot(
        refund_id=refund["id"],
        payment_id=id_of(get(refund, "payment_intent")),
        charge_id=id_of(get(refund, "charge")),
        customer_id=id_of(get(refund, "customer")) or customer_id,
        amount_minor=refund["amount"],
        currency=refund["currency"],
        status=refund["status"],
        reason=get(refund, "metadata", "reason") or get(refund, "reason"),
        created_at=moment(refund["created"]),
        account_id=get(refund, "metadata", "account_id"),
    )


def dispute_of(dispute: Any) -> DisputeSnapshot:
    """Its fee is what Stripe took with the money; a fee below 0 in a later movement came back.

    A fee in the currency that Stripe settles in says nothing in another one.
    """
    moved = get(dispute, "balance_transactions") or ()
    fees = [each["fee"] for each in moved if each["currency"] == dispute["currency"]]
    return DisputeSnapshot(
        dispute_id=dispute["id"],
        payment_id=id_of(get(dispute, "payment_intent")),
        charge_id=id_of(get(dispute, "charge")),
        customer_id=id_of(get(whole(dispute, "charge"), "customer")),
        amount_minor=dispute["amount"],
        currency=dispute["currency"],
        status=dispute["status"],
        reason=get(dispute, "reason"),
        fee_minor=sum(fee for fee in fees if fee > 0) or None,
        fee_returned_minor=-sum(fee for fee in fees if fee < 0) or None,
        evidence_due_at=moment(get(dispute, "evidence_details", "due_by")),
        created_at=moment(dispute["created"]),
        account_id=get(dispute, "metadata", "account_id"),
    )


def credit_note_of(note: Any) -> CreditNoteSnapshot:
    """What it gave after the payment went back as refunds, out of band, and the rest to the balance."""
    refunded = sum(get(refund, "amount_refunded") or 0 for refund in get(note, "refunds") or ())
    out_of_band = get(note, "out_of_band_amount") or 0
    after_payment = get(note, "post_payment_amount") or 0
    return CreditNoteSnapshot(
        credit_note_id=note["id"],
        invoice_id=id_of(note["invoice"]),
        customer_id=id_of(note["customer"]),
        amount_minor=note["total"],
        currency=note["currency"],
        status=note["status"],
        refunded_minor=refunded,
        credited_minor=max(after_payment - refunded - out_of_band, 0),
        out_of_band_minor=out_of_band,
        reason=get(note, "reason"),
        created_at=moment(note["created"]),
        account_id=get(note, "metadata", "account_id"),
    )
