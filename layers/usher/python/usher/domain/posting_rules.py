"""Which facts the ledger posts: each event's fact, the book it goes to, and the rule that makes its entry."""

from datetime import date

from usher.domain import invoice_events as invoices
from usher.domain import payment_events as money
from usher.domain import posting_disputes as disputes
from usher.domain import posting_invoices as bills
from usher.domain import posting_money as moves
from usher.domain.event import Event
from usher.domain.ledger import Draft
from usher.domain.ledger_book import Book
from usher.domain.posting import NOBODY, Rule, Waits

_INVOICE, _PAYMENT = "invoice/{invoice_id}", "payment/{payment_id}"
_NOTE, _REFUND, _DISPUTE = "credit_note/{credit_note_id}", "refund/{refund_id}", "dispute/{dispute_id}"
_PAID, _APPLIED, _OPENED = f"{_PAYMENT}/succeeded", f"{_PAYMENT}/applied", f"{_DISPUTE}/opened"
_ISSUED, _FEES = f"{_REFUND}/issued", f"{_DISPUTE}/fees/{{fee_minor}}/{{fee_returned_minor}}"
_FREE = False

_RULES = (
    Rule(invoices.InvoiceGenerated, f"{_INVOICE}/generated", bills.generated, _INVOICE, needs_invoice=_FREE),
    Rule(invoices.InvoicePaid, f"{_INVOICE}/paid", bills.paid, _INVOICE),
    Rule(invoices.InvoiceVoided, f"{_INVOICE}/voided", bills.voided, _INVOICE),
    Rule(invoices.InvoiceUncollectible, f"{_INVOICE}/uncollectible", bills.uncollectible, _INVOICE),
    Rule(invoices.CreditNoteIssued, f"{_NOTE}/issued", bills.note_issued, _INVOICE),
    Rule(invoices.CreditNoteVoided, f"{_NOTE}/voided", bills.note_voided, after=f"{_NOTE}/issued"),
    Rule(
        invoices.CreditBalanceAdjusted,
        "credit_balance/{adjustment_id}/adjusted",
        bills.credit_adjusted,
        "credit_balance/{adjustment_id}",
    ),
    Rule(money.PaymentSucceeded, _PAID, moves.succeeded, _INVOICE, lone=_PAYMENT, needs_invoice=_FREE),
    Rule(money.PaymentApplied, _APPLIED, moves.applied, _INVOICE, origin=_PAID),
    Rule(money.PaymentFeeKnown, f"{_PAYMENT}/fee_known", moves.fee_known, after=_PAID, needs_invoice=_FREE),
    Rule(money.RefundIssued, _ISSUED, moves.refund_issued, after=_PAID, moved=_APPLIED),
    Rule(
        money.RefundFailed,
        f"{_REFUND}/failed",
        moves.refund_failed,
        after=f"{_REFUND}/issued",
        moved=_APPLIED,
    ),
    Rule(money.DisputeOpened, _OPENED, disputes.dispute_opened, None, None, _PAID, _APPLIED, _FREE),
    Rule(
        money.DisputeFeeKnown,
        _FEES,
        disputes.dispute_fee_known,
        None,
        None,
        _OPENED,
        _APPLIED,
        _FREE,
        _OPENED,
    ),
    Rule(
        money.DisputeWon,
        f"{_DISPUTE}/won",
        disputes.dispute_won,
        None,
        None,
        _OPENED,
        _APPLIED,
        _FREE,
        _OPENED,
    ),
    Rule(money.DisputeLost, f"{_DISPUTE}/lost", disputes.dispute_lost, after=_OPENED, moved=_APPLIED),
)
RULES = {rule.event.type: rule for rule in _RULES}
"""By the event's type; docs/ledger.md says the same in words."""


def currency_of(payload: Event) -> str:
    """`usd`."""
    return str(dict(payload)["currency"]).lower()


def draft(
    rule: Rule,
    payload: Event,
    book: Book,
    day: date,
    *,
    has_followers: bool = False,
    origin: Book | None = None,
) -> Draft | Waits | None:
    """The entry's draft, None when there is nothing to post, or what it waits for.

    `has_followers`: what builds on this fact is here already. For a refund that is its failure, which brings
    the money back at once: such a refund may go beyond what is there.
    """
    currency = currency_of(payload)
    if book.currency() not in (None, currency):
        return Waits(NOBODY, f"it is in {currency}, and its book in {book.currency()}")
    if rule.needs_invoice and book.id.startswith("invoice/") and book.invoice is None:
        return Waits(f"{book.id}/generated", "its invoice is not posted yet")
    if isinstance(payload, money.RefundIssued) and not has_followers:
        received = book.received(str(payload.payment_id))
        if payload.amount_minor > received:
            return Waits(f"book {book.id}", f"it pays back more than the {received} its payment brought")
    if isinstance(payload, invoices.CreditNoteIssued):
        parts = payload.refunded_minor + payload.credited_minor + payload.out_of_band_minor
        if parts > payload.amount_minor:
            return Waits(NOBODY, "its parts are more than its amount")
    return rule.post(payload, book, day, *((origin,) if rule.origin is not None else ()))
