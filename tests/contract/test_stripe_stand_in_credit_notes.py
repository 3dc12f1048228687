"""Credit notes at the Stripe stand-in: off what is owed first, then by refund, credit or outside."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def paid(shop: Shop) -> Any:
    return shop.api.invoices.retrieve(shop.subscribe(shop.customer()).latest_invoice)


def owed(shop: Shop) -> Any:
    terms = {"collection_method": "send_invoice", "days_until_due": 14}
    return shop.api.invoices.retrieve(shop.subscribe(shop.customer(None), **terms).latest_invoice)


def credit(shop: Shop, invoice: Any, amount: int, **more: Any) -> Any:
    return shop.api.credit_notes.create({"invoice": invoice.id, "amount": amount, **more})


def test_an_open_invoice_is_lowered_and_then_asks_for_less(shop: Shop) -> None:
    invoice = owed(shop)
    note = credit(shop, invoice, 900, reason="order_change")
    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("pre_payment", 900, 0)
    assert note.number == f"{invoice.number}-CN-01"
    lower = shop.api.invoices.retrieve(invoice.id)
    assert (lower.status, lower.amount_due, lower.amount_remaining) == ("open", 2000, 2000)
    assert lower.pre_payment_credit_notes_amount == 900
    shop.pay(invoice=invoice.id, payment_method="pm_card_visa")
    (charge,) = shop.api.charges.list({"customer": invoice.customer}).data
    assert charge.amount == 2000


def test_an_open_invoice_credited_in_full_is_paid_by_nobody(shop: Shop) -> None:
    invoice = owed(shop)
    credit(shop, invoice, 2900)
    after = shop.api.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (after.status, after.amount_due, after.amount_paid) == ("paid", 0, 0)
    assert [payment.status for payment in after.payments.data] == ["canceled"]


def test_a_note_of_an_open_invoice_can_be_taken_back(shop: Shop) -> None:
    invoice = owed(shop)
    note = credit(shop, invoice, 900)
    assert shop.api.credit_notes.void_credit_note(note.id).status == "void"
    again = shop.api.invoices.retrieve(invoice.id)
    assert (again.amount_due, again.amount_remaining, again.pre_payment_credit_notes_amount) == (
        2900,
        2900,
        0,
    )
    with pytest.raises(stripe.InvalidRequestError, match="can be voided"):
        shop.api.credit_notes.void_credit_note(note.id)


def test_a_paid_invoice_is_credited_in_three_ways(shop: Shop) -> None:
    invoice = paid(shop)
    parts = {"refund_amount": 1000, "credit_amount": 700, "out_of_band_amount": 300}
    note = credit(shop, invoice, 2000, **parts)
    assert (note.type, note.post_payment_amount, note.out_of_band_amount) == ("post_payment", 2000, 300)
    (refund,) = note.refunds
    assert shop.api.refunds.retrieve(refund.refund).amount == refund.amount_refunded == 1000
    moved = shop.api.customers.balance_transactions.retrieve(
        invoice.customer, note.customer_balance_transaction
    )
    assert (moved.type, moved.amount, moved.credit_note) == ("credit_note", -700, note.id)
    after = shop.api.invoices.retrieve(invoice.id)
    assert (after.status, after.amount_paid, after.post_payment_credit_notes_amount) == ("paid", 2900, 2000)


def test_the_parts_add_up_and_are_no_more_than_was_paid(shop: Shop) -> None:
    invoice = paid(shop)
    for amount, parts in (
        (2000, {}),
        (2000, {"refund_amount": 1000}),
        (2901, {"credit_amount": 2901}),
        (0, {"credit_amount": 0}),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            credit(shop, invoice, amount, **parts)
    credit(shop, invoice, 2000, credit_amount=2000)
    with pytest.raises(stripe.InvalidRequestError, match="at most 900"):
        credit(shop, invoice, 901, credit_amount=901)


def test_a_refund_made_before_is_told_by_a_note_afterwards(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer())
    refund = shop.api.refunds.create({"payment_intent": shop.intent_of(subscription).id, "amount": 500})
    invoice = shop.api.invoices.retrieve(subscription.latest_invoice)
    note = credit(shop, invoice, 500, refunds=[{"refund": refund.id}])
    assert [(each.refund, each.amount_refunded) for each in note.refunds] == [(refund.id, 500)]
    with pytest.raises(stripe.InvalidRequestError, match="not of this invoice"):
        credit(shop, paid(shop), 500, refunds=[{"refund": refund.id}])


def test_a_preview_is_the_note_and_does_nothing(shop: Shop) -> None:
    invoice = owed(shop)
    line = invoice.lines.data[0].id
    lines = [{"type": "invoice_line_item", "invoice_line_item": line, "amount": 400}]
    shown = shop.api.credit_notes.preview({"invoice": invoice.id, "lines": lines})
    made = shop.api.credit_notes.create({"invoice": invoice.id, "lines": lines})
    assert (shown.amount, shown.lines.data[0].invoice_line_item) == (made.amount, line) == (400, line)
    assert len(shop.api.credit_notes.list({"invoice": invoice.id}).data) == 1
    assert shop.events()[-2:] == ["credit_note.created", "invoice.updated"]


def test_a_draft_or_void_invoice_is_not_credited(shop: Shop) -> None:
    invoice = owed(shop)
    shop.api.invoices.void_invoice(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="this one is void"):
        credit(shop, invoice, 100)


def test_credit_pays_the_next_invoice() -> None:
    with opened_shop() as shop:
        clock = shop.api.test_helpers.test_clocks.create({"frozen_time": 1_800_000_000})
        subscription = shop.subscribe(shop.customer(test_clock=clock.id))
        invoice = shop.api.invoices.retrieve(subscription.latest_invoice)
        credit(shop, invoice, 900, credit_amount=900)
        shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_800_000_000 + 32 * 86_400})
        renewed = shop.api.invoices.list({"subscription": subscription.id, "limit": 1}).data[0]
        assert (renewed.total, renewed.starting_balance, renewed.amount_paid) == (2900, -900, 2000)
