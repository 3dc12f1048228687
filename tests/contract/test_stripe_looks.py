"""What a look at Stripe tells us, through the real SDK against the stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_looks import StripeLooks
from usher.adapters.stripe_reversals import dispute_of
from usher.adapters.stripe_snapshots import payment_of
from usher.ports.billing_facts import BillingFacts


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


class CountedCalls(StripeCalls):
    """Counts what is asked of Stripe."""

    asked: list[str]

    def call(self, method: str, path: str, *rest: Any) -> dict[str, Any]:
        self.asked.append(path)
        return super().call(method, path, *rest)


@pytest.fixture
def calls(shop: Shop) -> CountedCalls:
    calls = CountedCalls(api_base=shop.url, api_key="sk_test_shop")
    calls.asked = []
    return calls


def look(calls: StripeCalls, kind: str, id: str) -> BillingFacts:
    facts = StripeLooks(calls).fetch(kind, id)
    assert facts is not None
    return facts


def test_a_subscription_comes_with_its_price_and_invoice_in_one_call(shop: Shop, calls: CountedCalls) -> None:
    made = shop.subscribe(shop.customer())
    facts = look(calls, "subscription", made.id)
    assert facts.subscription is not None
    (item,) = made["items"].data
    assert (facts.subscription.item_id, facts.subscription.amount_minor) == (item.id, 2900)
    assert (facts.subscription.interval, facts.subscription.currency) == ("month", "usd")
    (invoice,) = facts.invoices
    assert (invoice.total_minor, invoice.amount_due_minor, invoice.amount_remaining_minor) == (2900, 2900, 0)
    assert invoice.billing_reason == "subscription_create"
    assert invoice.lines is not None
    (line,) = invoice.lines
    assert (line.amount_minor, line.proration, line.metered) == (2900, False, False)
    assert (line.period_start, line.period_end) == (
        facts.subscription.current_period_start,
        facts.subscription.current_period_end,
    )
    assert len(calls.asked) == 1


def test_a_discount_lowers_the_lines_and_is_on_the_subscription(shop: Shop, calls: CountedCalls) -> None:
    coupon = shop.api.coupons.create({"percent_off": 12.5, "duration": "forever"})
    made = shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])
    facts = look(calls, "subscription", made.id)
    assert facts.subscription is not None
    assert (facts.subscription.percent_off, facts.subscription.promotion) == ("12.5", coupon.id)
    (invoice,) = facts.invoices
    assert sum(line.amount_minor for line in invoice.lines or ()) == invoice.total_minor == 2537


def test_a_discount_for_one_invoice_is_none_of_the_subscription(shop: Shop, calls: CountedCalls) -> None:
    coupon = shop.api.coupons.create({"amount_off": 900, "currency": "usd", "duration": "once"})
    made = shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])
    facts = look(calls, "subscription", made.id)
    assert facts.subscription is not None and facts.subscription.amount_off_minor is None
    assert facts.invoices[0].total_minor == 2000


def test_a_payment_tells_its_charge_card_fee_and_invoice(shop: Shop, calls: CountedCalls) -> None:
    made = shop.subscribe(shop.customer())
    intent = shop.intent_of(made)
    (payment,) = look(calls, "payment_intent", intent.id).payments
    assert (payment.status, payment.method, payment.card_brand) == ("succeeded", "card", "visa")
    assert (payment.charge_id, payment.fee_minor, payment.refunded_minor) == (intent.latest_charge, 114, 0)
    assert (
        payment.invoice_id == made.latest_invoice
    )  # the PaymentIntent itself does not say so: a second call
    assert len(calls.asked) == 2


def test_a_payment_of_no_invoice_names_none(shop: Shop, calls: CountedCalls) -> None:
    order = {"amount": 700, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    order["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    intent = shop.api.payment_intents.create(order)
    (payment,) = look(calls, "payment_intent", intent.id).payments
    assert (payment.status, payment.invoice_id) == ("succeeded", None)


@pytest.mark.parametrize("kind", ["charge", "refund"])
def test_a_refund_comes_with_what_its_payment_gave_back_and_the_invoice_it_was_for(
    shop: Shop, calls: CountedCalls, kind: str
) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer)
    intent = shop.intent_of(made)
    refund = shop.api.refunds.create({"payment_intent": intent.id, "amount": 900})
    facts = look(calls, kind, refund.id if kind == "refund" else refund.charge)
    ((told,), (payment,)) = facts.refunds, facts.payments
    assert (told.refund_id, told.amount_minor, told.status) == (refund.id, 900, "succeeded")
    assert (told.customer_id, told.payment_id) == (customer.id, intent.id)
    assert (payment.payment_id, payment.refunded_minor, payment.fee_minor) == (intent.id, 900, 114)
    assert payment.invoice_id == made.latest_invoice
    assert len(calls.asked) == 2


def test_a_dispute_tells_its_payment_customer_and_fee(shop: Shop, calls: CountedCalls) -> None:
    customer = shop.customer("pm_card_createDispute")
    intent = shop.intent_of(shop.subscribe(customer))
    (made,) = shop.api.disputes.list({"payment_intent": intent.id}).data
    (dispute,) = look(calls, "dispute", made.id).disputes
    assert (dispute.payment_id, dispute.customer_id) == (intent.id, customer.id)
    assert (dispute.status, dispute.amount_minor, dispute.fee_minor) == ("needs_response", 2900, 1500)
    assert dispute.evidence_due_at is not None


def test_what_was_paid_past_stripe_is_a_payment_like_any_other(shop: Shop, calls: CountedCalls) -> None:
    made = shop.subscribe(shop.customer(None), collection_method="send_invoice", days_until_due=14)
    before = look(calls, "invoice", made.latest_invoice)
    assert (before.invoices[0].status, before.invoices[0].paid_out_of_band) == ("open", None)
    shop.api.invoices.pay(made.latest_invoice, {"paid_out_of_band": True})
    for kind, id in (("invoice", made.latest_invoice), ("subscription", made.id)):
        facts = look(calls, kind, id)
        assert (facts.invoices[0].status, facts.invoices[0].paid_out_of_band) == ("paid", False)
        (offline,) = [each for each in facts.payments if each.method == "offline"]
        assert (offline.amount_minor, offline.status) == (2900, "succeeded")
        assert offline.invoice_id == made.latest_invoice


def test_a_customer_tells_what_we_owe_them(shop: Shop, calls: CountedCalls) -> None:
    found = look(calls, "customer", shop.customer().id).customer
    assert found is not None
    assert (found.credit_balance_minor, found.has_payment_method) == (0, True)


def test_a_change_that_waits_for_the_period_s_end_is_on_the_subscription(
    shop: Shop, calls: CountedCalls
) -> None:
    made = shop.subscribe(shop.customer(), metadata={"account_id": "acc_1"})
    recurring = {"interval": "month"}
    product = shop.api.products.create({"name": "Small"})
    terms = {"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": recurring}
    small = shop.api.prices.create(terms | {"lookup_key": f"small-{made.id}"})
    schedule = shop.api.subscription_schedules.create({"from_subscription": made.id})
    (first,) = schedule.phases
    current = {"items": [{"price": shop.price, "quantity": 1}], "start_date": first.start_date}
    coming = {"items": [{"price": small.id, "quantity": 2}], "duration": recurring | {"interval_count": 1}}
    phases = [current | {"end_date": first.end_date}, coming]
    shop.api.subscription_schedules.update(schedule.id, {"phases": phases})
    found = look(calls, "subscription", made.id).subscription
    assert found is not None and found.schedule_id == schedule.id
    assert (found.scheduled_plan, found.scheduled_quantity) == (f"small-{made.id}", 2)
    assert found.scheduled_at == found.current_period_end
    assert calls.asked[1:] == [f"/v1/prices/{small.id}"]  # once: whose plan the coming price is
    assert look(calls, "subscription", made.id).subscription == found


def test_a_price_of_before_is_told_as_its_plan_on_a_proration(shop: Shop, calls: CountedCalls) -> None:
    made = shop.subscribe(shop.customer())
    recurring = {"interval": "month"}
    product = shop.api.products.create({"name": "Large"})
    terms = {"product": product.id, "currency": "usd", "unit_amount": 9900, "recurring": recurring}
    large = shop.api.prices.create(terms | {"lookup_key": f"large-{made.id}"})
    items = [{"id": made["items"].data[0].id, "price": large.id}]
    shop.api.subscriptions.update(made.id, {"items": items, "proration_behavior": "always_invoice"})
    facts = look(calls, "subscription", made.id)
    (invoice,) = facts.invoices
    assert invoice.lines is not None and all(line.proration for line in invoice.lines)
    assert {line.plan for line in invoice.lines} == {f"large-{made.id}", None}  # the first has no plan's name
    assert sum(line.amount_minor for line in invoice.lines) == invoice.total_minor


def test_what_is_not_there_is_none_and_what_is_not_followed_is_an_error(calls: CountedCalls) -> None:
    assert StripeLooks(calls).fetch("refund", "re_none") is None
    with pytest.raises(ValueError, match="payout"):
        StripeLooks(calls).fetch("payout", "po_1")


def test_a_fee_in_the_currency_of_the_bank_account_is_none_in_that_of_the_payment(
    shop: Shop, calls: CountedCalls
) -> None:
    """Stripe takes its fees in the currency that it settles in; a payment in another one names none."""
    customer = shop.customer("pm_card_createDispute")
    intent = shop.intent_of(shop.subscribe(customer))
    (made,) = shop.api.disputes.list({"payment_intent": intent.id}).data
    paid = calls.call(
        "get", f"/v1/payment_intents/{intent.id}", {"expand": ["latest_charge.balance_transaction"]}
    )
    paid["latest_charge"]["balance_transaction"] |= {"currency": "eur", "fee": 99}
    assert payment_of(paid).fee_minor is None
    disputed = calls.call("get", f"/v1/disputes/{made.id}", {"expand": ["charge"]})
    for movement in disputed["balance_transactions"]:
        movement |= {"currency": "eur"}
    dispute = dispute_of(disputed)
    assert (dispute.fee_minor, dispute.fee_returned_minor) == (None, None)
