"""The Stripe stand-in through the real SDK: customers, subscriptions, payments, keys, pages, errors."""

import re
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def error_of(caught: Any) -> Any:
    return caught.value.json_body["error"]


def test_a_customer_comes_with_its_card_as_default_in_one_call(shop: Shop) -> None:
    customer = shop.customer(metadata={"account_id": "acc_1"})
    method = shop.api.payment_methods.retrieve(customer.invoice_settings.default_payment_method)
    assert method.customer == customer.id
    assert (method.card.brand, method.card.last4) == ("visa", "4242")
    assert customer.metadata.account_id == "acc_1"


def test_the_same_card_has_the_same_fingerprint(shop: Shop) -> None:
    def fingerprint() -> str:
        attached = shop.api.payment_methods.attach("pm_card_visa", {"customer": shop.customer(None).id})
        return str(attached.card.fingerprint)

    assert fingerprint() == fingerprint()


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_declined_card_makes_no_customer(shop: Shop, method: str, code: str, decline_code: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        shop.customer(method, email="declined@example.com")
    assert (caught.value.http_status, caught.value.code) == (402, code)
    assert error_of(caught)["decline_code"] == decline_code
    assert shop.api.customers.list({"email": "declined@example.com"}).data == []


def test_a_paid_subscription_is_active_and_its_shapes_are_of_this_api_version(shop: Shop) -> None:
    expand = ["latest_invoice.payments", "latest_invoice.confirmation_secret"]
    subscription = shop.subscribe(shop.customer(), expand=expand, metadata={"signup": "s1"})
    invoice = subscription.latest_invoice
    assert (subscription.status, invoice.status, invoice.amount_paid) == ("active", "paid", 2900)
    item = subscription["items"].data[0]
    assert 27 * 86_400 < item.current_period_end - item.current_period_start < 32 * 86_400
    assert not hasattr(subscription, "current_period_end") and not hasattr(invoice, "payment_intent")
    assert invoice.payments.data[0].status == "paid"
    assert invoice.confirmation_secret.type == "payment_intent"
    assert invoice.parent.subscription_details.metadata.signup == "s1"


def test_a_trial_takes_no_money_and_its_invoice_over_nothing_is_paid(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(None), trial_period_days=14, expand=["latest_invoice"])
    assert subscription.status == "trialing"
    assert subscription.trial_end - subscription.trial_start == 14 * 86_400
    assert (subscription.latest_invoice.status, subscription.latest_invoice.amount_due) == ("paid", 0)


def test_a_card_that_fails_when_charged_leaves_the_subscription_incomplete(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer)
    intent = shop.intent_of(subscription)
    assert (subscription.status, intent.status) == ("incomplete", "requires_payment_method")
    assert intent.last_payment_error.decline_code == "generic_decline"
    charges = shop.api.charges.list({"payment_intent": intent.id}).data
    assert [(charge.status, charge.failure_code) for charge in charges] == [("failed", "card_declined")]


def test_paying_with_another_card_completes_it(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer)
    good = shop.api.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    paid = shop.api.invoices.pay(subscription.latest_invoice, {"payment_method": good.id})
    assert paid.status == "paid"
    assert shop.api.subscriptions.retrieve(subscription.id).status == "active"


@pytest.mark.parametrize("method", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
def test_error_if_incomplete_leaves_nothing_behind(shop: Shop, method: str) -> None:
    customer = shop.customer(method)
    with pytest.raises(stripe.CardError):
        shop.subscribe(customer, payment_behavior="error_if_incomplete")
    everything = {"customer": customer.id}
    assert shop.api.subscriptions.list(everything | {"status": "all"}).data == []
    assert shop.api.invoices.list(everything).data == []


def test_default_incomplete_waits_for_a_payment_method(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(None), payment_behavior="default_incomplete")
    assert (subscription.status, shop.intent_of(subscription).status) == (
        "incomplete",
        "requires_payment_method",
    )


def test_without_any_payment_method_a_paid_plan_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(shop.customer(None))


@pytest.mark.parametrize(("outcome", "status"), [("succeed", "active"), ("fail", "incomplete")])
def test_the_banks_answer_decides_a_3ds_payment(shop: Shop, outcome: str, status: str) -> None:
    subscription = shop.subscribe(shop.customer("pm_card_threeDSecure2Required"))
    intent = shop.intent_of(subscription)
    assert (subscription.status, intent.status) == ("incomplete", "requires_action")
    assert intent.next_action.type == "redirect_to_url"
    order = {"payment_intent": intent.id, "outcome": outcome}
    shop.control("POST", "/_control/complete_authentication", order)
    assert shop.api.subscriptions.retrieve(subscription.id).status == status


def test_completing_what_asks_for_nothing_says_so(shop: Shop) -> None:
    intent = shop.intent_of(shop.subscribe(shop.customer()))
    answer = shop.control("POST", "/_control/complete_authentication", {"payment_intent": intent.id})
    assert "no authentication is asked for" in answer["error"]["message"]


def test_the_hosted_page_shows_a_button_and_pressing_it_pays(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer("pm_card_authenticationRequired"), expand=["latest_invoice"])
    url = subscription.latest_invoice.hosted_invoice_url
    with urllib.request.urlopen(url) as page:
        assert "<button>Pay</button>" in page.read().decode()
    assert shop.api.subscriptions.retrieve(subscription.id).status == "incomplete"  # looking is not paying
    with urllib.request.urlopen(url, data=b"") as page:
        assert "This invoice is paid." in page.read().decode()
    assert shop.api.subscriptions.retrieve(subscription.id).status == "active"


def test_a_card_error_of_an_intent_carries_the_intent(shop: Shop) -> None:
    terms = {"amount": 500, "currency": "usd", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
    with pytest.raises(stripe.CardError) as caught:
        shop.api.payment_intents.create(terms)
    intent = shop.api.payment_intents.retrieve(error_of(caught)["payment_intent"]["id"])
    assert intent.status == "requires_payment_method"


def test_authentication_cannot_be_asked_of_an_absent_customer(shop: Shop) -> None:
    terms = {"amount": 500, "currency": "usd", "confirm": True, "off_session": True}
    with pytest.raises(stripe.CardError) as caught:
        shop.api.payment_intents.create(terms | {"payment_method": "pm_card_authenticationRequired"})
    assert caught.value.code == "authentication_required"


def test_a_setup_intent_readies_a_card(shop: Shop) -> None:
    customer = shop.customer(None)
    setup = shop.api.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True}
    )
    assert setup.status == "requires_action"
    shop.control("POST", "/_control/complete_authentication", {"setup_intent": setup.id})
    method = shop.api.payment_methods.list({"customer": customer.id}).data[0]
    subscription = shop.subscribe(customer, default_payment_method=method.id)
    assert subscription.status == "active"  # set up before, so the bank asks no more


def test_a_refund_never_exceeds_the_charge(shop: Shop) -> None:
    intent = shop.intent_of(shop.subscribe(shop.customer()))
    shop.api.refunds.create({"payment_intent": intent.id, "amount": 900})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        shop.api.refunds.create({"payment_intent": intent.id, "amount": 2001})
    shop.api.refunds.create({"payment_intent": intent.id})
    assert shop.api.charges.retrieve(intent.latest_charge).refunded


def test_cancelling_twice_is_not_found_the_second_time(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer())
    assert shop.api.subscriptions.cancel(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.subscriptions.cancel(subscription.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_a_deleted_customer_is_marked_and_its_subscriptions_end(shop: Shop) -> None:
    customer = shop.customer(email="gone@example.com")
    subscription = shop.subscribe(customer)
    shop.api.customers.delete(customer.id)
    assert shop.api.customers.retrieve(customer.id).deleted
    assert shop.api.customers.list({"email": "gone@example.com"}).data == []
    assert shop.api.subscriptions.retrieve(subscription.id).status == "canceled"


def test_a_lookup_key_moves_only_when_asked_to(shop: Shop) -> None:
    product = shop.api.products.create({"name": "Pro"}).id
    terms = {"product": product, "currency": "usd", "unit_amount": 9900, "recurring": {"interval": "year"}}
    first = shop.api.prices.create(terms | {"lookup_key": "pro-yearly"})
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.api.prices.create(terms | {"lookup_key": "pro-yearly"})
    second = shop.api.prices.create(terms | {"lookup_key": "pro-yearly", "transfer_lookup_key": True})
    found = shop.api.prices.list({"lookup_keys": ["pro-yearly"]}).data
    assert [price.id for price in found] == [second.id] != [first.id]


# -- idempotency keys ----------------------------------------------------------------------------


def test_the_same_key_has_one_effect_and_one_answer(shop: Shop) -> None:
    order = {"email": "once@example.com"}
    first = shop.api.customers.create(order, {"idempotency_key": "signup/1/customer"})
    again = shop.api.customers.create(order, {"idempotency_key": "signup/1/customer"})
    assert first.id == again.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(shop.api.customers.list({"email": "once@example.com"}).data) == 1


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    shop.api.customers.create({"email": "a@example.com"}, {"idempotency_key": "k-body"})
    with pytest.raises(stripe.IdempotencyError) as caught:
        shop.api.customers.create({"email": "b@example.com"}, {"idempotency_key": "k-body"})
    assert caught.value.http_status == 400


def test_a_decline_is_replayed_too(shop: Shop) -> None:
    for replayed in (None, "true"):
        with pytest.raises(stripe.CardError) as caught:
            shop.api.customers.create(
                {"payment_method": "pm_card_chargeDeclined"}, {"idempotency_key": "k-no"}
            )
        assert (caught.value.headers or {}).get("idempotent-replayed") == replayed


def test_a_request_that_breaks_the_contract_does_not_use_up_its_key(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.create({"emial": "typo@example.com"}, {"idempotency_key": "k-typo"})
    assert shop.api.customers.create({"email": "ok@example.com"}, {"idempotency_key": "k-typo"}).id


def test_a_stored_500_is_replayed_and_has_no_effect(shop: Shop) -> None:
    shop.control("POST", "/_control/faults", {"operation": "POST /v1/customers", "fault": "500"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            shop.api.customers.create({"email": "five@example.com"}, {"idempotency_key": "k-500"})
        assert caught.value.http_status == 500
    assert shop.api.customers.list({"email": "five@example.com"}).data == []
    assert shop.api.customers.create({"email": "five@example.com"}, {"idempotency_key": "k-500-2"}).id


@pytest.mark.parametrize("fault", ["fail_after", "malformed"])
def test_the_key_tells_what_a_lost_answer_was(shop: Shop, fault: str) -> None:
    order, key = {"email": f"{fault}@example.com"}, {"idempotency_key": f"k-{fault}"}
    shop.control("POST", "/_control/faults", {"operation": "POST /v1/customers", "fault": fault})
    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        shop.api.customers.create(order, key)
    held = shop.api.customers.list({"email": order["email"]}).data
    assert [shop.api.customers.create(order, key).id] == [customer.id for customer in held]


def test_a_break_before_the_call_has_no_effect(shop: Shop) -> None:
    shop.control("POST", "/_control/faults", {"operation": "POST /v1/customers", "fault": "fail_before"})
    with pytest.raises(stripe.APIConnectionError):
        shop.api.customers.create({"email": "before@example.com"})
    assert shop.api.customers.list({"email": "before@example.com"}).data == []


# -- lists, expansion, errors --------------------------------------------------------------------


def test_pages_follow_each_other_in_both_directions(shop: Shop) -> None:
    ids = [shop.customer(None, email="page@example.com").id for _ in range(5)][::-1]
    filters = {"email": "page@example.com", "limit": 2}
    assert [customer.id for customer in shop.api.customers.list(filters).auto_paging_iter()] == ids
    middle = shop.api.customers.list(filters | {"ending_before": ids[4]})
    assert [customer.id for customer in middle.data] == ids[2:4]
    assert middle.has_more


def test_a_search_finds_by_metadata(shop: Shop) -> None:
    customer = shop.customer(None, metadata={"account_id": "acc_search"})
    found = shop.api.customers.search({"query": "metadata['account_id']:'acc_search'"})
    assert [each.id for each in found.data] == [customer.id]


def test_a_list_expands_inside_its_data(shop: Shop) -> None:
    customer = shop.customer()
    shop.subscribe(customer)
    page = shop.api.subscriptions.list({"customer": customer.id, "expand": ["data.latest_invoice"]})
    assert page.data[0].latest_invoice.status == "paid"


@pytest.mark.parametrize("path", ["nonsense", "email", "a.b.c.d.e"])
def test_a_path_that_leads_nowhere_cannot_be_expanded(shop: Shop, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot"):
        shop.customer(None, expand=[path])


def test_a_wrong_key_is_401_and_a_missing_object_404(shop: Shop) -> None:
    other = stripe.StripeClient("nonsense", base_addresses={"api": shop.url}, http_client=shop._http)
    with pytest.raises(stripe.AuthenticationError):
        other.v1.customers.list()
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_none'") as caught:
        shop.api.customers.retrieve("cus_none")
    assert re.match("req_", str(caught.value.request_id))


def test_another_api_version_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        shop.api.customers.list({}, {"stripe_version": "2020-08-27"})


def test_a_parameter_the_stand_in_does_not_honour_is_refused_not_ignored(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not implement the parameter tax"):
        shop.api.customers.create({"tax": {"ip_address": "192.0.2.1"}})


def test_the_limit_of_an_endpoint_is_enforced_when_asked_for() -> None:
    with opened_shop(enforce_limits=True, options={"limit_endpoint": 3}) as limited:
        for _ in range(3):
            limited.api.customers.list()
        with pytest.raises(stripe.RateLimitError) as caught:
            limited.api.customers.list()
        assert caught.value.http_status == 429
        assert limited.api.products.list().data  # another endpoint has room


def test_only_an_attached_method_can_be_a_default(shop: Shop) -> None:
    customer = shop.customer(None)
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        shop.subscribe(customer, default_payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        shop.api.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": "pm_card_visa"}}
        )


def test_a_bank_debit_is_processing_before_it_succeeds(shop: Shop) -> None:
    terms = {"amount": 500, "currency": "usd", "confirm": True, "payment_method": "pm_usBankAccount"}
    intent = shop.api.payment_intents.create(terms)
    assert intent.status == "processing"
    shop.control("POST", "/_control/clock", {"now": intent.created + 60})
    try:
        assert shop.api.payment_intents.retrieve(intent.id).status == "succeeded"
    finally:
        shop.control("POST", "/_control/clock", {"now": None})


def test_a_late_answer_keeps_its_key_in_use(shop: Shop) -> None:
    order, key = {"email": "slow@example.com"}, {"idempotency_key": "k-slow"}
    fault = {"operation": "POST /v1/customers", "fault": "delay", "seconds": 1}
    shop.control("POST", "/_control/faults", fault)
    slow = threading.Thread(target=shop.api.customers.create, args=(order, key))
    slow.start()
    while not shop.api.customers.list({"email": order["email"]}).data:
        pass  # the first call has had its effect and is still being answered
    with pytest.raises(stripe.APIError) as caught:
        shop.api.customers.create(order, key)
    slow.join()
    assert (caught.value.http_status, error_of(caught)["code"]) == (409, "idempotency_key_in_use")
