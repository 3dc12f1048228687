"""Events of what is owed: invoices, credit notes, the credit balance.

They carry what the ledger posts, so that nobody has to ask again: amounts in minor units of `currency`.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from usher.domain.event import Event


class BilledService(BaseModel):
    """What an invoice bills: `amount_minor` (after discounts, before tax) for service from `start` to `end`.

    ISO 8601 UTC; both are equal for what was used up already. Below 0 it gives back unused service.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    line_id: str
    amount_minor: int
    start: str
    end: str
    plan: str | None = None
    proration: bool = False
    metered: bool = False


class InvoiceEvent(Event):
    """What every event about an invoice says."""

    invoice_id: str
    subscription_id: str | None
    amount_due_minor: int
    currency: str


class InvoiceGenerated(InvoiceEvent):
    """An invoice is final. Its lines and tax add up to `total_minor`.

    `credit_applied_minor` of that came from the credit balance, or went to it when below 0; the rest is due.
    """

    type: ClassVar[str] = "invoice.generated"
    version: ClassVar[int] = 2
    number: str | None = None
    total_minor: int | None = None
    tax_minor: int = 0
    credit_applied_minor: int = 0
    billing_reason: str | None = None
    lines: tuple[BilledService, ...] = ()


class InvoicePaid(InvoiceEvent):
    """Nothing is owed of it any more. `out_of_band`: the money came past the payment vendor."""

    type: ClassVar[str] = "invoice.paid"
    amount_paid_minor: int
    out_of_band: bool = False


class InvoicePaymentActionRequired(InvoiceEvent):
    """The customer's bank wants them to confirm the payment, at `hosted_url`."""

    type: ClassVar[str] = "invoice.payment_action_required"
    hosted_url: str | None = None


class InvoiceVoided(InvoiceEvent):
    """It was a mistake: nothing was owed by it, and what it used of the credit balance is back."""

    type: ClassVar[str] = "invoice.voided"
    amount_remaining_minor: int


class InvoiceUncollectible(InvoiceEvent):
    """What remains of it is given up as bad debt."""

    type: ClassVar[str] = "invoice.uncollectible"
    amount_remaining_minor: int


class CreditNoteIssued(Event):
    """An invoice was lowered after it was final (ports/billing_facts.py, CreditNoteSnapshot)."""

    type: ClassVar[str] = "credit_note.issued"
    credit_note_id: str
    invoice_id: str
    amount_minor: int
    currency: str
    refunded_minor: int = 0
    credited_minor: int = 0
    out_of_band_minor: int = 0
    reason: str | None = None


class CreditNoteVoided(Event):
    """A credit note was a mistake: the invoice is as high as before."""

    type: ClassVar[str] = "credit_note.voided"
    credit_note_id: str
    invoice_id: str
    amount_minor: int
    currency: str


class CreditBalanceAdjusted(Event):
    """Somebody of ours gave (or, below 0, took) credit past any invoice.

    `reason` is a word of ours, such as `subscription_ended`; what a person wrote is in the audit log.
    """

    type: ClassVar[str] = "credit_balance.adjusted"
    adjustment_id: str
    amount_minor: int
    currency: str
    reason: str
