"""Which facts the ledger posts: each event's fact, the book it goes to, and the rule that makes its entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from usher.domain import invoice_events as invoices
from usher.domain import payment_events as money
from usher.domain import posting_disputes as disputes
from usher.domain import posting_invoices as bills
from usher.domain import posting_money as moves
from usher.domain.event import Event
from usher.domain.ledger import Draft
from usher.domain.ledger_book import Book

Post = Callable[..., Draft | None]  # of the event, its book, the day, and its origin's book, if it has one

NOBODY = "a person"
"""What a fact waits for that no other fact can release."""


@dataclass(frozen=True, slots=True)
class Waits:
    """It cannot be posted yet: `until` is the fact or the book (`book invoice/in_1`) that may help."""

    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Follows:
    """Facts whose book it goes to: `moved` where that is posted, else `fact`, which has to be."""

    fact: str
    moved: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one type of event is posted.

    `fact` is the form of the entry's id, `book` that of its book, `lone` of the book of what has no invoice.
    With `after` the book is that of an earlier fact, which has to be posted first, or that of `moved`, once
    that one is posted too. `needs_invoice`: in the book of an invoice nothing is posted before the invoice
    itself. The rule of what has an `origin` looks at the book of that fact as well.
    """

    event: type[Event]
    fact: str
    post: Post
    book: str | None = None
    lone: str | None = None
    after: str | None = None
    moved: str | None = None
    needs_invoice: bool = True
    origin: str | None = None

    def read(self, payload: Mapping[str, Any]) -> Event:
        """The event of a stored payload, which leaves out what is None. Raises ValidationError."""
        needed = [name for name, field in self.event.model_fields.items() if field.is_required()]
        return self.event.model_validate({**dict.fromkeys(needed), **payload})

    def fact_of(self, payload: Event) -> str:
        return self.fact.format_map(dict(payload))

    def place(self, payload: Event) -> "Waits | str | Follows":
        """Its book, or the facts that say which."""
        named = dict(payload)
        if self.after is not None:
            if "payment_id" in named and named["payment_id"] is None:
                return Waits(NOBODY, "it names no payment")
            return Follows(self.after.format_map(named), self.moved and self.moved.format_map(named))
        form = self.lone if self.lone is not None and named["invoice_id"] is None else self.book
        assert form is not None, self.fact
        return form.format_map(named)


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
    Rule(money.DisputeFeeKnown, _FEES, disputes.dispute_fee_known, after=_OPENED, needs_invoice=_FREE),
    Rule(money.DisputeWon, f"{_DISPUTE}/won", disputes.dispute_won, after=_OPENED, needs_invoice=_FREE),
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
