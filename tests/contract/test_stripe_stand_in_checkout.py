"""Checkout Sessions at the Stripe stand-in, through the real SDK and the page a customer sees."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

HOME = {"success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}"}
NAMES = {"account_id": "acc_1", "signup_id": "su_1"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop(options={"clearing_seconds": 3600}) as opened:
        yield opened


def subscribing(shop: Shop, **more: Any) -> Any:
    items = [{"price": shop.price, "quantity": 1}]
    return shop.api.checkout.sessions.create({"mode": "subscription", "line_items": items, **HOME, **more})


def buying(shop: Shop, amount: int = 5000, **more: Any) -> Any:
    data = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Credits"}}
    items = [{"price_data": data, "quantity": 1}]
    return shop.api.checkout.sessions.create({"mode": "payment", "line_items": items, **HOME, **more})


def again(shop: Shop, session: Any, *expand: str) -> Any:
    return shop.api.checkout.sessions.retrieve(session.id, {"expand": list(expand)})


def test_a_paid_checkout_makes_an_active_subscription_with_the_metadata_it_was_given(shop: Shop) -> None:
    customer = shop.customer(None)
    session = subscribing(
        shop,
        customer=customer.id,
        metadata=NAMES,
        subscription_data={"metadata": NAMES | {"plan": "starter"}},
    )
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 2900)
    status, text = shop.page(session.url, payment_method="pm_card_visa")
    assert (status, "Thank you" in text, f"session={session.id}" in text) == (200, True, True)
    done = again(shop, session, "subscription", "customer", "line_items", "invoice")
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.customer.id, done.subscription.status) == (customer.id, "active")
    assert done.subscription.metadata.to_dict() == NAMES | {"plan": "starter"}
    assert done.metadata.to_dict() == NAMES
    assert done.line_items.data[0].price.id == shop.price
    assert (done.invoice.status, done.invoice.amount_paid) == ("paid", 2900)
    method = shop.api.payment_methods.retrieve(done.subscription.default_payment_method)
    assert (method.customer, method.card.last4) == (customer.id, "4242")


def test_the_events_of_a_paid_checkout_end_with_its_completion() -> None:
    with opened_shop() as shop:
        session = subscribing(shop, customer_email="new@example.com")
        shop.page(session.url, name="New")
        events = shop.events()
    assert events[-1] == "checkout.session.completed"
    assert {
        "customer.created",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.paid",
        "payment_intent.succeeded",
        "charge.succeeded",
    } <= set(events)


def test_looking_at_the_page_changes_nothing(shop: Shop) -> None:
    session = subscribing(shop, customer_email="looks@example.com")
    before = shop.events()
    status, text = shop.page(session.url)
    assert (status, "<button>Pay</button>" in text, "29.00 USD" in text) == (200, True, True)
    assert shop.events() == before
    assert again(shop, session).status == "open"


def test_a_session_is_paid_once(shop: Shop) -> None:
    customer = shop.customer(None)
    session = subscribing(shop, customer=customer.id)
    shop.page(session.url, payment_method="pm_card_visa")
    status, text = shop.page(session.url, payment_method="pm_card_visa")
    assert (status, "paid already" in text) == (410, True)
    assert len(shop.api.subscriptions.list({"customer": customer.id}).data) == 1


def test_a_declined_card_leaves_the_session_open_and_nothing_behind(shop: Shop) -> None:
    customer = shop.customer(None)
    session = subscribing(shop, customer=customer.id)
    for card in ("pm_card_chargeDeclined", "pm_card_chargeCustomerFail"):
        status, text = shop.page(session.url, payment_method=card)
        assert (status, "declined" in text) == (402, True)
        assert shop.api.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    shop.page(session.url, payment_method="pm_card_mastercard")
    assert again(shop, session).status == "complete"


def test_a_payment_carries_the_metadata_meant_for_it_and_no_other(shop: Shop) -> None:
    session = buying(
        shop,
        metadata={"for": "the session"},
        payment_intent_data={"metadata": {"team_id": "t1"}, "description": "500 credits"},
        client_reference_id="ref-1",
    )
    assert session.payment_intent is None
    shop.page(session.url, email="buyer@example.com", name="Buyer")
    done = again(shop, session, "payment_intent")
    assert (done.payment_status, done.client_reference_id) == ("paid", "ref-1")
    assert (done.customer, done.customer_details.email) == (None, "buyer@example.com")
    assert done.payment_intent.metadata.to_dict() == {"team_id": "t1"}
    assert (done.payment_intent.description, done.payment_intent.amount_received) == ("500 credits", 5000)


def test_a_declined_payment_is_tried_again_on_the_same_intent(shop: Shop) -> None:
    session = buying(shop, customer_email="again@example.com")
    assert shop.page(session.url, payment_method="pm_card_chargeCustomerFail")[0] == 402
    first = again(shop, session).payment_intent
    shop.page(session.url, payment_method="pm_card_visa")
    done = again(shop, session, "payment_intent")
    assert (done.payment_intent.id, done.payment_intent.status) == (first, "succeeded")


def test_customer_creation_always_makes_a_customer_of_a_buyer(shop: Shop) -> None:
    session = buying(shop, customer_creation="always")
    shop.page(session.url, email="kept@example.com")
    assert again(shop, session, "customer").customer.email == "kept@example.com"


@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_3ds_completes_the_session_when_the_bank_says_yes(shop: Shop, mode: str) -> None:
    session = {"subscription": subscribing, "payment": buying}[mode](shop, customer=shop.customer(None).id)
    status, text = shop.page(session.url, payment_method="pm_card_threeDSecure2Required")
    assert (status, "/authenticate/" in text) == (200, True)
    assert again(shop, session).status == "open"
    bank = text.partition("<a href='")[2].partition("'")[0]
    shop.page(bank, outcome="fail")
    assert again(shop, session).status == "open"
    _, text = shop.page(session.url, payment_method="pm_card_threeDSecure2Required")
    shop.page(text.partition("<a href='")[2].partition("'")[0], outcome="succeed")
    assert (again(shop, session).status, again(shop, session).payment_status) == ("complete", "paid")


@pytest.mark.parametrize(
    ("method", "event", "paid"),
    [
        ("pm_usBankAccount", "checkout.session.async_payment_succeeded", "paid"),
        ("pm_usBankAccount_insufficientFunds", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_a_bank_debit_completes_now_and_settles_later(mode: str, method: str, event: str, paid: str) -> None:
    with opened_shop(options={"clearing_seconds": 3600}) as shop:
        session = {"subscription": subscribing, "payment": buying}[mode](shop, customer_email="b@example.com")
        shop.page(session.url, payment_method=method)
        done = again(shop, session)
        assert (done.status, done.payment_status) == ("complete", "unpaid")
        assert event not in shop.events()
        shop.control("POST", "/_control/clock", {"now": done.created + 3700})
        assert again(shop, session).payment_status == paid
        assert shop.events().count(event) == 1


def test_a_trial_by_checkout_takes_no_money(shop: Shop) -> None:
    data = {
        "trial_period_days": 14,
        "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
    }
    session = subscribing(
        shop, customer=shop.customer(None).id, subscription_data=data, payment_method_collection="if_required"
    )
    shop.page(session.url, name="Ada")
    done = again(shop, session, "subscription")
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "trialing")
    assert done.subscription.trial_settings.end_behavior.missing_payment_method == "cancel"


def test_set_up_mode_readies_a_card(shop: Shop) -> None:
    customer = shop.customer(None)
    session = shop.api.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer.id, **HOME}
    )
    shop.page(session.url, payment_method="pm_card_visa")
    done = again(shop, session, "setup_intent")
    assert (done.status, done.payment_status, done.setup_intent.status) == (
        "complete",
        "no_payment_required",
        "succeeded",
    )
    assert len(shop.api.payment_methods.list({"customer": customer.id}).data) == 1


def test_an_expired_session_says_so_and_takes_nothing(shop: Shop) -> None:
    customer = shop.customer(None)
    session = subscribing(shop, customer=customer.id)
    shop.page(session.url, payment_method="pm_card_threeDSecure2Required")
    assert shop.api.checkout.sessions.expire(session.id).status == "expired"
    status, text = shop.page(session.url, payment_method="pm_card_visa")
    assert (status, "has expired" in text) == (410, True)
    begun = shop.api.subscriptions.list({"customer": customer.id, "status": "all"}).data
    assert [subscription.status for subscription in begun] == ["incomplete_expired"]
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        shop.api.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself() -> None:
    with opened_shop() as shop:
        session = subscribing(shop, customer_email="late@example.com")
        assert session.expires_at == session.created + 86_400
        shop.control("POST", "/_control/clock", {"now": session.expires_at})
        assert again(shop, session).status == "expired"
        assert shop.events()[-1] == "checkout.session.expired"


def test_sessions_are_listed_by_what_they_made(shop: Shop) -> None:
    customer = shop.customer(None)
    bought, open_one = buying(shop, customer=customer.id), subscribing(shop, customer=customer.id)
    shop.page(bought.url, payment_method="pm_card_visa")
    intent = again(shop, bought).payment_intent
    subscribed = subscribing(shop, customer=customer.id)
    shop.page(subscribed.url, payment_method="pm_card_visa")

    def ids(**filters: str) -> list[str]:
        return [session.id for session in shop.api.checkout.sessions.list(filters).data]

    assert ids(payment_intent=intent) == [bought.id]
    assert ids(subscription=again(shop, subscribed).subscription) == [subscribed.id]
    assert ids(customer=customer.id) == [subscribed.id, open_one.id, bought.id]
    assert ids(customer=customer.id, status="open") == [open_one.id]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mode": "payment"}, "recurring price"),
        ({"success_url": None}, "success_url"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"customer_creation": "always"}, "payment` mode"),
        ({"payment_intent_data": {"metadata": {}, "description": "x"}}, "You can not pass"),
        ({"expires_at": "in 29 minutes"}, "at least 30 minutes"),
        ({"expires_at": "in 25 hours"}, "less than 24 hours"),
        ({"subscription_data": {"proration_behavior": "none"}}, "does not implement"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "No such price"),
        ({"line_items": None}, "line_items"),
        ({"automatic_tax": {"enabled": True}}, "does not implement"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(shop: Shop, changed: dict[str, Any], message: str) -> None:
    now = shop.api.products.create({"name": "now"}).created
    times = {"in 29 minutes": now + 29 * 60, "in 25 hours": now + 25 * 3600}
    order = {"mode": "subscription", "line_items": [{"price": shop.price, "quantity": 1}], **HOME, **changed}
    order = {name: times.get(str(value), value) for name, value in order.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError, match=message) as caught:
        shop.api.checkout.sessions.create(order)
    assert caught.value.http_status == 400


def test_the_control_route_pays_as_the_page_does(shop: Shop) -> None:
    session = buying(shop)
    results = shop.pay(session=session.url, email="c@example.com", times=2)
    assert [result["status"] for result in results] == [200, 410]
    assert results[0]["now"]["payment_status"] == "paid"
    declined = shop.pay(
        session=buying(shop).id, email="c@example.com", payment_method="pm_card_chargeDeclined"
    )
    assert declined[0]["status"] == 402


def test_the_control_route_says_what_is_wrong(shop: Shop) -> None:
    for order in ({}, {"session": "cs_none"}, {"session": buying(shop).id, "card": "x"}):
        assert "error" in shop.control("POST", "/_control/pay", order)


def test_an_invoice_is_paid_by_the_control_route(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer("pm_card_chargeCustomerFail"), expand=["latest_invoice"])
    results = shop.pay(invoice=subscription.latest_invoice.hosted_invoice_url)
    assert results[0]["now"]["status"] == "paid"
    assert shop.api.subscriptions.retrieve(subscription.id).status == "active"


@pytest.mark.parametrize(
    ("outcome", "status", "paid"), [("succeed", "active", "paid"), ("fail", "incomplete", "unpaid")]
)
def test_a_bank_debit_is_settled_by_the_control_route(
    shop: Shop, outcome: str, status: str, paid: str
) -> None:
    session = subscribing(shop, customer=shop.customer(None).id)
    shop.pay(session=session.id, payment_method="pm_usBankAccount")
    subscription = shop.api.subscriptions.retrieve(again(shop, session).subscription)
    intent = shop.intent_of(subscription).id
    shop.control("POST", "/_control/settle_payment", {"payment_intent": intent, "outcome": outcome})
    assert shop.api.subscriptions.retrieve(subscription.id).status == status
    assert again(shop, session).payment_status == paid
    twice = shop.control("POST", "/_control/settle_payment", {"payment_intent": intent})
    assert "no debit is under way" in twice["error"]["message"]


def test_a_trial_with_a_card_that_asks_the_bank_completes_when_the_bank_says_yes(shop: Shop) -> None:
    data = {"trial_period_days": 14}
    session = subscribing(shop, customer=shop.customer(None).id, subscription_data=data)
    shop.pay(session=session.id, payment_method="pm_card_threeDSecure2Required")
    assert again(shop, session).status == "open"
    shop.control("POST", "/_control/complete_authentication", {"session": session.url})
    done = again(shop, session, "subscription.default_payment_method")
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert (done.subscription.status, done.subscription.default_payment_method.type) == ("trialing", "card")
    asked = shop.control("POST", "/_control/complete_authentication", {"session": session.id})
    assert "does not wait for the bank" in asked["error"]


def test_a_card_that_cannot_be_set_up_leaves_the_session_open(shop: Shop) -> None:
    order = {"mode": "setup", "currency": "usd", "customer": shop.customer(None).id, **HOME}
    session = shop.api.checkout.sessions.create(order)
    assert shop.pay(session=session.id, payment_method="pm_card_chargeDeclined")[0]["status"] == 402
    assert shop.pay(session=session.id)[0]["now"]["status"] == "complete"


def test_two_tabs_make_two_subscriptions(shop: Shop) -> None:
    """Stripe does not know that they are meant as one: that is for Usher to see."""
    customer = shop.customer(None)
    first, second = subscribing(shop, customer=customer.id), subscribing(shop, customer=customer.id)
    for session in (first, second):
        shop.pay(session=session.id)
    assert len(shop.api.subscriptions.list({"customer": customer.id}).data) == 2
