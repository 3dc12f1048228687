"""Beside the card at the Stripe stand-in: invoices paid outside, sent and written off; the billing portal."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

SENT = {"collection_method": "send_invoice", "days_until_due": 14}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def invoice_of(shop: Shop) -> Any:
    """An open invoice of 29.00 USD that was sent."""
    subscription = shop.subscribe(shop.customer(None), **SENT)
    return shop.api.invoices.retrieve(subscription.latest_invoice)


def transfer(shop: Shop, amount: int, currency: str = "usd") -> Any:
    order = {
        "amount_requested": {"value": amount, "currency": currency},
        "initiated_at": 1_800_000_000,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": 1_800_000_000},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank transfer"}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": "REF 1"}},
        "metadata": {"offline_payment": "op_1"},
    }
    return shop.api.payment_records.report_payment(order)


def attach(shop: Shop, invoice: Any, record: Any) -> Any:
    expand = {"expand": ["payments", "amount_paid_off_stripe"]}
    return shop.api.invoices.attach_payment(invoice.id, {"payment_record": record.id, **expand})


def test_an_invoice_marked_paid_outside_moves_no_money_at_stripe(shop: Shop) -> None:
    invoice = invoice_of(shop)
    intent = shop.api.invoice_payments.list({"invoice": invoice.id}).data[0].payment.payment_intent
    paid = shop.api.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2900, 0)
    assert shop.api.payment_intents.retrieve(intent).status == "canceled"
    assert shop.api.charges.list({"customer": invoice.customer}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.api.invoices.pay(invoice.id, {"paid_out_of_band": True})


def test_two_transfers_pay_an_invoice(shop: Shop) -> None:
    invoice = invoice_of(shop)
    half = attach(shop, invoice, transfer(shop, 2000))
    assert (half.status, half.amount_paid, half.amount_remaining) == ("open", 2000, 900)
    whole = attach(shop, invoice, transfer(shop, 900))
    assert (whole.status, whole.amount_paid, whole.amount_paid_off_stripe) == ("paid", 2900, 2900)
    kinds = [(payment.payment.type, payment.status) for payment in whole.payments.data]
    assert sorted(kinds) == [
        ("payment_intent", "canceled"),
        ("payment_record", "paid"),
        ("payment_record", "paid"),
    ]


def test_what_is_too_much_is_the_customers_credit(shop: Shop) -> None:
    invoice = invoice_of(shop)
    paid = attach(shop, invoice, transfer(shop, 3500))
    assert (paid.status, paid.amount_paid, paid.amount_overpaid) == ("paid", 2900, 600)
    (moved,) = shop.api.customers.balance_transactions.list(invoice.customer).data
    assert (moved.type, moved.amount, moved.ending_balance) == ("invoice_overpaid", -600, -600)


def test_after_a_transfer_the_card_pays_only_the_rest(shop: Shop) -> None:
    invoice = invoice_of(shop)
    attach(shop, invoice, transfer(shop, 2000))
    shop.pay(invoice=invoice.id, payment_method="pm_card_visa")
    paid = shop.api.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 2900)
    (charge,) = shop.api.charges.list({"customer": invoice.customer}).data
    assert charge.amount == 900


def test_a_transfer_is_attached_once_to_an_open_invoice_in_its_currency(shop: Shop) -> None:
    invoice, other = invoice_of(shop), invoice_of(shop)
    record = transfer(shop, 2900)
    attach(shop, invoice, record)
    for which, what, said in (
        (other, record, "attached to an invoice already"),
        (invoice, transfer(shop, 100), "this one is paid"),
        (other, transfer(shop, 2900, "eur"), "invoice is in usd"),
    ):
        with pytest.raises(stripe.InvalidRequestError, match=said):
            attach(shop, which, what)


def test_an_invoice_is_sent_again_and_written_off(shop: Shop) -> None:
    invoice = invoice_of(shop)
    assert shop.api.invoices.send_invoice(invoice.id).status == "open"
    assert shop.events()[-1] == "invoice.sent"
    assert shop.api.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    assert attach(shop, invoice, transfer(shop, 2900)).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="this one is paid"):
        shop.api.invoices.send_invoice(invoice.id)


def test_a_portal_session_leads_to_a_page_and_back(shop: Shop) -> None:
    invoice = invoice_of(shop)
    order = {"customer": invoice.customer, "return_url": "https://shop.example/back?a=1&b=2"}
    session = shop.api.billing_portal.sessions.create(order)
    status, html = shop.page(session.url)
    assert (status, invoice.number in html) == (200, True)
    assert "https://shop.example/back?a=1&amp;b=2" in html
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.billing_portal.sessions.create({"customer": "cus_gone"})
    assert caught.value.param == "customer"


def test_a_portal_session_can_begin_at_a_cancellation(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer())
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    order = {"customer": subscription.customer, "flow_data": flow}
    session = shop.api.billing_portal.sessions.create(order)
    assert session.flow.subscription_cancel.subscription == subscription.id


def test_a_portal_configuration_says_what_customers_may_do() -> None:
    with opened_shop() as shop:
        features = {"subscription_cancel": {"enabled": True}, "invoice_history": {"enabled": True}}
        first = shop.api.billing_portal.configurations.create({"features": features})
        assert (first.is_default, first.features.subscription_cancel.mode) == (True, "at_period_end")
        second = shop.api.billing_portal.configurations.create({"features": features, "name": "Second"})
        shop.api.billing_portal.configurations.update(second.id, {"active": False})
        customer = shop.customer(None).id
        assert shop.api.billing_portal.sessions.create({"customer": customer}).configuration == first.id
        for call, order in (
            (shop.api.billing_portal.sessions.create, ({"customer": customer, "configuration": second.id},)),
            (shop.api.billing_portal.configurations.update, (first.id, {"active": False})),
        ):
            with pytest.raises(stripe.InvalidRequestError):
                call(*order)
