"""Random lives of an account's money, as facts that could have happened at the payment vendor."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.fakes.ledger import invoice, line, payment
from usher.domain.event import Event
from usher.domain.invoice_events import (
    CreditNoteIssued,
    InvoicePaid,
    InvoiceUncollectible,
    InvoiceVoided,
)
from usher.domain.payment_events import (
    DisputeFeeKnown,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentApplied,
    PaymentFeeKnown,
    RefundFailed,
    RefundIssued,
)

FIRST = date(2025, 11, 3)


@dataclass
class History:
    """Facts with their days, and what they must come to: cash, and per invoice what is owed of it."""

    facts: list[tuple[str, Event]] = field(default_factory=list)
    cash: int = 0
    receivable: dict[str, int] = field(default_factory=dict)

    def add(self, day: date, happened: Event) -> None:
        self.facts.append((day.isoformat(), happened))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Up to three invoices, each with an end of its own."""
    history = History()
    for number in range(draw(st.integers(1, 3))):
        _life(draw, history, f"in_{number}", FIRST + timedelta(draw(st.integers(0, 60))))
    return history


def _life(draw: st.DrawFn, history: History, id: str, day: date) -> None:
    amounts = draw(st.lists(st.integers(1, 50_000), min_size=1, max_size=3))
    lines = [
        line(
            amount,
            (day - timedelta(draw(st.integers(0, 40)))).isoformat(),
            (day + timedelta(draw(st.integers(0, 370)))).isoformat(),
            line_id=f"{id}_{n}",
            metered=draw(st.booleans()),
        )
        for n, amount in enumerate(amounts)
    ]
    tax = draw(st.sampled_from((0, 0, 1, 777)))
    credit = draw(st.sampled_from((0, 0, 1)))
    billed = invoice(id, *lines, tax=tax, credit=credit)
    history.add(day, billed)
    owed = sum(amounts) + tax - credit
    history.receivable[id] = 0
    of = {"invoice_id": id, "subscription_id": None, "amount_due_minor": owed, "currency": "usd"}
    lowered = draw(st.integers(0, owed)) if draw(st.booleans()) else 0
    if lowered:
        history.add(day, note(f"cn_{id}_open", id, lowered))
    owed -= lowered
    end = draw(st.sampled_from(("open", "void", "given up", "paid", "paid", "given up and paid")))
    later = day + timedelta(draw(st.integers(0, 50)))
    if end == "void":
        history.add(later, InvoiceVoided(**of, amount_remaining_minor=owed))
    if end.startswith("given up"):
        history.add(later, InvoiceUncollectible(**of, amount_remaining_minor=owed))
    if end.endswith("paid") and owed:
        history.add(later, InvoicePaid(**of, amount_paid_minor=owed))
        _money(draw, history, id, owed, later)
    if end == "open":
        history.receivable[id] = owed


def _money(draw: st.DrawFn, history: History, id: str, paid: int, day: date) -> None:
    """A payment, and what becomes of it."""
    fee, payment_id = draw(st.integers(0, 5)), f"pi_{id}"
    told = draw(st.booleans())
    history.add(day, payment(payment_id, paid, of=id if told else None, fee_minor=fee if fee % 2 else None))
    history.cash += paid - fee
    money: dict[str, Any] = {"payment_id": payment_id, "currency": "usd"}
    if not told:
        history.add(day, PaymentApplied(invoice_id=id, amount_minor=paid, **money))
    if fee and not fee % 2:
        known = PaymentFeeKnown(invoice_id=id, amount_minor=paid, fee_minor=fee, **money)
        history.add(day, known)
    later = day + timedelta(draw(st.integers(0, 60)))
    back = draw(st.integers(0, paid))
    what = draw(st.sampled_from(("kept", "refund", "note", "failed refund", "won", "lost")))
    if not back or what == "kept":
        return
    if what in ("won", "lost"):
        dispute = {"dispute_id": f"dp_{id}", "amount_minor": back, **money}
        history.add(later, DisputeOpened(**dispute, fee_minor=draw(st.sampled_from((0, 15)))))
        for total in (15, 20):  # told again, then more of it
            history.add(later, DisputeFeeKnown(**dispute, fee_minor=total))
        kind = DisputeWon if what == "won" else DisputeLost
        history.add(later, kind(**dispute))
        history.cash -= 20 + (back if what == "lost" else 0)
        return
    if what == "note":
        history.add(later, note(f"cn_{id}_back", id, back, refunded_minor=back))
    refund = {"refund_id": f"re_{id}", "amount_minor": back, **money}
    history.add(later, RefundIssued(**refund))
    if what == "failed refund":
        history.add(later, RefundFailed(**refund))
        history.add(later, RefundIssued(**{**refund, "refund_id": f"re_{id}_again"}))
    history.cash -= back


def note(id: str, of: str, amount_minor: int, **parts: int) -> CreditNoteIssued:
    return CreditNoteIssued(
        credit_note_id=id, invoice_id=of, amount_minor=amount_minor, currency="usd", **parts
    )
