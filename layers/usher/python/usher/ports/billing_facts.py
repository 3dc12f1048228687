"""What the payment vendor tells of its objects, as snapshots: what records keep, in our field names.

Money is minor units with its currency, times are UTC.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

SubscriptionStatus = Literal[
    "trialing", "active", "incomplete", "incomplete_expired", "past_due", "unpaid", "paused", "canceled"
]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
DisputeStatus = Literal[
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
]
InvoiceStatus = Literal["draft", "open", "paid", "void", "uncollectible"]
PaymentStatus = Literal["open", "processing", "requires_action", "succeeded", "failed", "canceled"]


class Snapshot(BaseModel):
    """Base of all snapshots: immutable, and indifferent to fields a newer vendor version adds.

    `account_id` and `signup_id` are what our own metadata on the object say, where there are any.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")


class PaymentSnapshot(Snapshot):
    """One attempt to collect money (Stripe: PaymentIntent); `open` until somebody has tried to pay.

    `charge_id`, `fee_minor` (what the vendor kept for itself) and `refunded_minor` (what went back so far)
    are there once the charge was asked for. `method` is card, us_bank_account, ...; a payment that came past
    the vendor, by bank transfer, is `offline`.
    """

    payment_id: str
    customer_id: str | None
    invoice_id: str | None = None
    amount_minor: int
    currency: str
    status: PaymentStatus
    method: str | None = None
    charge_id: str | None = None
    card_brand: str | None = None
    card_country: str | None = None
    fee_minor: int | None = None
    refunded_minor: int | None = None
    paid_at: datetime | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    created_at: datetime
    account_id: str | None = None
    signup_id: str | None = None


class InvoiceLine(Snapshot):
    """One line of an invoice: `amount_minor` is net of discounts and without tax; below 0 it is a credit.

    The service it is for runs from `period_start` up to `period_end`; both are equal for what is used up at
    once.
    """

    line_id: str
    amount_minor: int
    period_start: datetime
    period_end: datetime
    plan: str | None = None
    quantity: int | None = None
    proration: bool = False
    metered: bool = False


class InvoiceSnapshot(Snapshot):
    """One invoice; `amount_due_minor` is what the customer owes, tax and credits included.

    `total_minor` is before the credit balance: `credit_applied_minor` of it was met from that balance, or was
    added to it when below 0 (docs.stripe.com/billing/customer/balance, read 2026-11). `lines` are None unless
    the answer had all of them: what was known of them stays.
    """

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    status: InvoiceStatus
    currency: str
    amount_due_minor: int
    amount_paid_minor: int
    amount_remaining_minor: int | None = None
    subtotal_minor: int | None = None
    total_minor: int | None = None
    tax_minor: int | None = None
    credit_applied_minor: int | None = None
    billing_reason: str | None = None
    number: str | None = None
    attempts: int | None = None
    next_attempt_at: datetime | None = None
    paid_out_of_band: bool | None = None
    finalized_at: datetime | None = None
    voided_at: datetime | None = None
    uncollectible_at: datetime | None = None
    lines: tuple[InvoiceLine, ...] | None = None
    hosted_url: str | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    created_at: datetime
    account_id: str | None = None


class SubscriptionSnapshot(Snapshot):
    """One subscription to one plan. The period is that of its item that is not metered.

    `amount_minor` is the price of one per `interval` in `currency`, before discounts, None where it has none
    (tiers); `percent_off` and `amount_off_minor` are what its discounts take from each invoice while they
    last: one that was for a single invoice is none. With a `pause_behavior`
    (Stripe's word for what becomes of its invoices) its collection is paused, whatever the status says.
    `scheduled_plan` becomes its plan at `scheduled_at`.
    """

    subscription_id: str
    customer_id: str
    plan: str | None
    price_id: str
    item_id: str | None = None
    quantity: int
    currency: str | None = None
    amount_minor: int | None = None
    interval: Literal["day", "week", "month", "year"] | None = None
    interval_count: int | None = None
    percent_off: str | None = None
    amount_off_minor: int | None = None
    promotion: str | None = None
    collection: Literal["charge_automatically", "send_invoice"] | None = None
    pause_behavior: str | None = None
    schedule_id: str | None = None
    scheduled_plan: str | None = None
    scheduled_quantity: int | None = None
    scheduled_at: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    status: SubscriptionStatus
    current_period_start: datetime
    current_period_end: datetime
    trial_end: datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = None
    started_at: datetime
    account_id: str | None = None
    signup_id: str | None = None


class RefundSnapshot(Snapshot):
    """Money that goes back to who paid it; it may fail after days."""

    refund_id: str
    payment_id: str | None
    charge_id: str | None = None
    customer_id: str | None = None
    amount_minor: int
    currency: str
    status: RefundStatus
    reason: str | None = None
    created_at: datetime
    account_id: str | None = None


class DisputeSnapshot(Snapshot):
    """A payment that its payer's bank takes back.

    `fee_minor` is what the vendor asks for that, `fee_returned_minor` what of it came back with the money.
    """

    dispute_id: str
    payment_id: str | None
    charge_id: str | None = None
    customer_id: str | None = None
    amount_minor: int
    currency: str
    status: DisputeStatus
    reason: str | None = None
    fee_minor: int | None = None
    fee_returned_minor: int | None = None
    evidence_due_at: datetime | None = None
    created_at: datetime
    account_id: str | None = None


class CreditNoteSnapshot(Snapshot):
    """What an invoice was lowered by after it was final: from what is owed, by a refund, or to the balance.

    Of a paid invoice the three parts add up to `amount_minor`; of an open one `amount_minor` alone is set.
    """

    credit_note_id: str
    invoice_id: str
    customer_id: str
    amount_minor: int
    currency: str
    status: Literal["issued", "void"]
    refunded_minor: int = 0
    credited_minor: int = 0
    out_of_band_minor: int = 0
    reason: str | None = None
    created_at: datetime
    account_id: str | None = None


class CustomerSnapshot(Snapshot):
    """The vendor's customer. `account_id` is what its metadata says.

    `credit_balance_minor` is what we owe the customer in `currency`, used up by the next invoices; below 0 is
    what they owe beyond their invoices. `has_payment_method`: what is owed can be collected by itself.
    `card_fingerprint` is the same for one card wherever it is used, and only there when it was asked for.
    """

    customer_id: str
    account_id: str | None
    email: str | None
    deleted: bool = False
    delinquent: bool = False
    credit_balance_minor: int | None = None
    currency: str | None = None
    has_payment_method: bool = False
    card_fingerprint: str | None = None


class BillingFacts(Snapshot):
    """All that one call told us, to be recorded together."""

    customer: CustomerSnapshot | None = None
    subscription: SubscriptionSnapshot | None = None
    invoices: tuple[InvoiceSnapshot, ...] = ()
    payments: tuple[PaymentSnapshot, ...] = ()
    refunds: tuple[RefundSnapshot, ...] = ()
    disputes: tuple[DisputeSnapshot, ...] = ()
    credit_notes: tuple[CreditNoteSnapshot, ...] = ()


class Declined(Snapshot):
    """The bank or the vendor refused the payment method: an outcome, not an error."""

    code: str
    reason: str
