"""A plan that bills usage, by Stripe's adapters at the stand-in: its items, its meter events, its invoice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_checkout import StripeCheckouts
from usher.adapters.stripe_meters import StripeMeters
from usher.ports.billing_facts import BillingFacts
from usher.ports.meters import MeterEvent

START = datetime(2027, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        terms = {"display_name": "API calls", "event_name": "usher_api_calls"}
        meter = opened.api.billing.meters.create({**terms, "default_aggregation": {"formula": "sum"}})
        common = {"currency": "usd", "product_data": {"name": "Pro"}}
        month = {"interval": "month"}
        by_use = {**month, "usage_type": "metered", "meter": meter.id}
        opened.api.prices.create(
            {**common, "unit_amount": 4900, "recurring": month, "lookup_key": "pro-monthly"}
        )
        opened.api.prices.create(
            {**common, "unit_amount": 5, "recurring": by_use, "lookup_key": "pro-monthly:api_calls"}
        )
        yield opened


def test_usage_is_on_the_next_invoice_and_late_usage_on_the_one_after(shop: Shop) -> None:
    calls = StripeCalls(api_base=shop.url, api_key="sk_test_shop")
    billing = StripeBilling(calls, {"pro-monthly": ("api_calls",)})
    clock = shop.api.test_helpers.test_clocks.create({"frozen_time": int(START.timestamp())}).id
    customer = shop.customer(test_clock=clock)
    facts = billing.create_subscription(
        customer_id=customer.id,
        account_id="acc_1",
        signup_id="su_1",
        plan="pro-monthly",
        trial_days=0,
        correlation_id="cor_1",
        idempotency_key="signup/su_1/create-subscription/1",
    )
    assert isinstance(facts, BillingFacts) and facts.subscription is not None
    assert (facts.subscription.plan, facts.subscription.amount_minor) == ("pro-monthly", 4900)
    assert facts.subscription.current_period_end == FEBRUARY

    def used(identifier: str, quantity: int, at: datetime) -> None:
        for _ in range(2):
            StripeMeters(calls).count(MeterEvent(identifier, "usher_api_calls", customer.id, quantity, at))

    def at(moment: datetime) -> int:
        """Time passes to then; what the latest invoice bills for calls."""
        shop.api.test_helpers.test_clocks.advance(clock, {"frozen_time": int(moment.timestamp())})
        assert facts.subscription is not None
        found = shop.api.invoices.list({"subscription": facts.subscription.subscription_id, "limit": 1})
        return sum(line.amount for line in found.data[0].lines.data if line.amount != 4900)

    assert at(START + timedelta(days=10)) == 0
    used("usage_hour_1", 120, START)  # the period's first hour, told by its beginning
    assert at(FEBRUARY + timedelta(minutes=10)) == 600
    used("usage_hour_2", 10, FEBRUARY - timedelta(hours=1))  # its last hour, while the invoice is open
    assert at(FEBRUARY + timedelta(hours=2)) == 650
    late = FEBRUARY + timedelta(hours=2)
    used("usage_hour_3", 7, late)  # of January, told as used now
    assert at(FEBRUARY + timedelta(days=29)) == 35


def test_a_plan_that_bills_no_usage_has_one_item(shop: Shop) -> None:
    billing = StripeBilling(StripeCalls(api_base=shop.url, api_key="sk_test_shop"))
    facts = billing.create_subscription(
        customer_id=shop.customer().id,
        account_id="acc_2",
        signup_id="su_2",
        plan="pro-monthly",
        trial_days=0,
        correlation_id="cor_2",
        idempotency_key="signup/su_2/create-subscription/1",
    )
    assert isinstance(facts, BillingFacts) and facts.subscription is not None
    subscription = shop.api.subscriptions.retrieve(facts.subscription.subscription_id)
    assert len(subscription["items"].data) == 1


def test_who_subscribes_on_a_checkout_page_has_the_same_items(shop: Shop) -> None:
    calls, customer = StripeCalls(api_base=shop.url, api_key="sk_test_shop"), shop.customer(None)
    checkout = StripeCheckouts(calls, StripeBilling(calls, {"pro-monthly": ("api_calls",)})).open(
        customer_id=customer.id,
        account_id="acc_3",
        signup_id="su_3",
        plan="pro-monthly",
        return_url="https://app.example.com",
        expires_at=datetime.now(UTC) + timedelta(hours=23),
        correlation_id="cor_3",
        idempotency_key="signup/su_3/checkout/1",
    )
    status, _ = shop.page(str(checkout.url), payment_method="pm_card_visa")
    assert status in (200, 303)
    subscription = shop.api.subscriptions.list({"customer": customer.id}).data[0]
    items = [(item.price.lookup_key, item.quantity) for item in subscription["items"].data]
    assert items == [("pro-monthly", 1), ("pro-monthly:api_calls", None)]
    invoice = shop.api.invoices.retrieve(subscription.latest_invoice)
    assert (invoice.status, invoice.total) == ("paid", 4900)
