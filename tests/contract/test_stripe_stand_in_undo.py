"""Taking back what was done at the Stripe stand-in: refunds, cancellations, voids, deletions."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from infra.local.stand_ins.stripe.cards import TEST_METHODS
from tests.contract.stripe_shop import Shop, opened_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def payment(shop: Shop, method: str = "pm_card_visa", amount: int = 2900) -> Any:
    terms = {"amount": amount, "currency": "usd", "confirm": True, "payment_method": method}
    return shop.api.payment_intents.create(terms)


def test_a_second_full_refund_says_that_it_was_refunded(shop: Shop) -> None:
    intent = payment(shop)
    refund = shop.api.refunds.create({"payment_intent": intent.id, "reason": "requested_by_customer"})
    assert (refund.status, refund.amount, refund.charge) == ("succeeded", 2900, intent.latest_charge)
    for order in (
        {"payment_intent": intent.id},
        {"charge": intent.latest_charge},
        {"charge": intent.latest_charge, "amount": 1},
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.api.refunds.create(order)
        assert (caught.value.http_status, caught.value.code) == (400, "charge_already_refunded")
    assert len(shop.api.refunds.list({"payment_intent": intent.id}).data) == 1


def test_refunds_leave_their_events_and_lower_the_balance() -> None:
    with opened_shop() as shop:
        intent = payment(shop)
        shop.api.refunds.create({"charge": intent.latest_charge, "amount": 900, "metadata": {"by": "su_1"}})
        assert shop.events()[-2:] == ["refund.created", "charge.refunded"]
        charge = shop.api.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
        assert (charge.amount_refunded, charge.refunded) == (900, False)
        assert shop.api.balance.retrieve().available[0].amount == 1886  # less the fee of 1.14
        shop.api.refunds.update(shop.api.refunds.list().data[0].id, {"metadata": {"by": "su_2"}})
        assert shop.events()[-1] == "refund.updated"


def test_a_refund_to_a_bank_account_is_pending_first() -> None:
    with opened_shop(options={"clearing_seconds": 60}) as shop:
        intent = payment(shop, "pm_usBankAccount")
        with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
            shop.api.refunds.create({"payment_intent": intent.id})
        shop.control("POST", "/_control/clock", {"now": intent.created + 61})
        refund = shop.api.refunds.create({"payment_intent": intent.id})
        assert refund.status == "pending"
        shop.control("POST", "/_control/clock", {"now": intent.created + 200})
        assert shop.api.refunds.retrieve(refund.id).status == "succeeded"
        assert {"refund.updated", "charge.refund.updated"} <= set(shop.events())


def test_a_deleted_customers_payment_can_still_be_refunded(shop: Shop) -> None:
    customer = shop.customer()
    intent = shop.intent_of(shop.subscribe(customer))
    shop.api.customers.delete(customer.id)
    assert shop.api.refunds.create({"payment_intent": intent.id}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.delete(customer.id)
    assert caught.value.http_status == 404


def test_a_customers_metadata_merge(shop: Shop) -> None:
    customer = shop.customer(None, metadata={"account_id": "acc_1", "gone": "soon"})
    changes = {"metadata": {"usher_closed": "true", "gone": ""}}
    changed = shop.api.customers.update(customer.id, changes)
    assert changed.metadata.to_dict() == {"account_id": "acc_1", "usher_closed": "true"}


@pytest.mark.parametrize("method", ["pm_card_chargeCustomerFail", "pm_card_threeDSecure2Required"])
def test_a_cancelled_subscription_that_never_began_takes_its_invoice_along(shop: Shop, method: str) -> None:
    subscription = shop.subscribe(shop.customer(method))
    intent = shop.intent_of(subscription)
    ended = shop.api.subscriptions.cancel(subscription.id, {"invoice_now": False, "prorate": False})
    assert ended.status == "incomplete_expired" and ended.canceled_at
    assert shop.api.invoices.retrieve(subscription.latest_invoice).status == "void"
    assert shop.api.payment_intents.retrieve(intent.id).status == "canceled"


def test_a_debit_under_way_is_not_stopped_by_cancelling() -> None:
    with opened_shop(options={"clearing_seconds": 60}) as shop:
        subscription = shop.subscribe(shop.customer("pm_usBankAccount"))
        shop.api.subscriptions.cancel(subscription.id)
        with pytest.raises(stripe.InvalidRequestError, match="processing"):
            shop.api.invoices.void_invoice(subscription.latest_invoice)
        shop.control("POST", "/_control/clock", {"now": subscription.created + 61})
        assert shop.api.invoices.retrieve(subscription.latest_invoice).status == "paid"
        assert shop.api.subscriptions.retrieve(subscription.id).status == "incomplete_expired"
        assert shop.api.refunds.create({"payment_intent": shop.intent_of(subscription).id}).amount == 2900


def test_an_open_invoice_can_be_voided_once(shop: Shop) -> None:
    invoice = shop.subscribe(shop.customer("pm_card_chargeCustomerFail")).latest_invoice
    assert shop.api.invoices.void_invoice(invoice).status == "void"
    with pytest.raises(stripe.InvalidRequestError, match="this one is void"):
        shop.api.invoices.void_invoice(invoice)


def test_a_payment_that_succeeded_cannot_be_cancelled(shop: Shop) -> None:
    terms = {"amount": 500, "currency": "usd"}
    waiting = shop.api.payment_intents.create(terms)
    assert shop.api.payment_intents.cancel(waiting.id).status == "canceled"
    for id in (waiting.id, payment(shop).id):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.api.payment_intents.cancel(id)
        assert caught.value.code == "payment_intent_unexpected_state"


def test_the_payment_of_a_session_ends_with_the_session(shop: Shop) -> None:
    data = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Credits"}}
    order = {"mode": "payment", "line_items": [{"price_data": data}], "success_url": "https://shop.example/"}
    session = shop.api.checkout.sessions.create(order)
    shop.pay(session=session.id, email="a@example.com", payment_method="pm_card_threeDSecure2Required")
    intent = shop.api.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="expire the session instead"):
        shop.api.payment_intents.cancel(intent)
    shop.api.checkout.sessions.expire(session.id)
    assert shop.api.payment_intents.retrieve(intent).status == "canceled"


@pytest.mark.parametrize("method", [name for name, each in TEST_METHODS.items() if each.on_charge])
def test_a_refused_payment_says_why_in_a_code_that_the_sdk_knows(shop: Shop, method: str) -> None:
    intent = shop.api.payment_intents.create({"amount": 500, "currency": "usd"})
    with contextlib.suppress(stripe.CardError):
        if shop.api.payment_intents.confirm(intent.id, {"payment_method": method}).next_action:
            shop.control("POST", "/_control/complete_authentication", {"payment_intent": intent.id})
    shop.control("POST", "/_control/settle_payment", {"payment_intent": intent.id})  # of a bank debit
    refused = shop.api.payment_intents.retrieve(intent.id)  # held against the SDK's enumeration
    assert (refused.status, bool(refused.last_payment_error.code)) == ("requires_payment_method", True)


def test_a_debit_sent_back_says_why_in_a_code_that_the_sdk_knows(shop: Shop) -> None:
    intent = payment(shop, "pm_usBankAccount")
    order = {"payment_intent": intent.id, "outcome": "fail"}
    shop.control("POST", "/_control/settle_payment", order)
    assert shop.api.payment_intents.retrieve(intent.id).last_payment_error.code == "debit_not_authorized"
