"""Subscriptions in time: test clocks, renewals, trial ends, expiry, and the runner's own clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.stripe_shop import Shop, opened_shop

DAY = 86_400
LAST_OF_JANUARY = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def clock_at(shop: Shop, moment: int = LAST_OF_JANUARY) -> str:
    return str(shop.api.test_helpers.test_clocks.create({"frozen_time": moment}).id)


def advance(shop: Shop, clock: str, to: int) -> None:
    shop.api.test_helpers.test_clocks.advance(clock, {"frozen_time": to})


def day_of_end(subscription: Any) -> tuple[int, int]:
    end = datetime.fromtimestamp(subscription["items"].data[0].current_period_end, UTC)
    return end.month, end.day


def test_renewals_keep_the_anchors_day_over_short_months(shop: Shop) -> None:
    clock = clock_at(shop)
    subscription = shop.subscribe(shop.customer(test_clock=clock))
    ends = [day_of_end(subscription)]
    for days in (29, 60):
        advance(shop, clock, LAST_OF_JANUARY + days * DAY)
        ends.append(day_of_end(shop.api.subscriptions.retrieve(subscription.id)))
    assert ends == [(2, 28), (3, 31), (4, 30)]
    invoices = shop.api.invoices.list({"subscription": subscription.id}).data
    assert [invoice.amount_paid for invoice in invoices] == [2900, 2900, 2900]


def test_a_trial_reminds_three_days_before_and_then_converts(shop: Shop) -> None:
    clock = clock_at(shop)
    subscription = shop.subscribe(shop.customer(test_clock=clock), trial_period_days=14)
    advance(shop, clock, LAST_OF_JANUARY + 12 * DAY)
    reminders = shop.api.events.list({"type": "customer.subscription.trial_will_end"}).data
    assert [event.data.object["id"] for event in reminders] == [subscription.id]
    advance(shop, clock, LAST_OF_JANUARY + 15 * DAY)
    converted = shop.api.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (converted.status, converted.latest_invoice.amount_paid) == ("active", 2900)


@pytest.mark.parametrize(
    ("behavior", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
def test_a_trial_without_card_ends_as_its_settings_say(shop: Shop, behavior: str, status: str) -> None:
    clock = clock_at(shop)
    settings = {"end_behavior": {"missing_payment_method": behavior}}
    customer = shop.customer(None, test_clock=clock)
    subscription = shop.subscribe(customer, trial_period_days=14, trial_settings=settings)
    advance(shop, clock, LAST_OF_JANUARY + 15 * DAY)
    assert shop.api.subscriptions.retrieve(subscription.id).status == status


def test_an_unpaid_first_invoice_expires_after_23_hours(shop: Shop) -> None:
    clock = clock_at(shop)
    subscription = shop.subscribe(shop.customer("pm_card_chargeCustomerFail", test_clock=clock))
    advance(shop, clock, LAST_OF_JANUARY + 23 * 3600 - 1)
    assert shop.api.subscriptions.retrieve(subscription.id).status == "incomplete"
    advance(shop, clock, LAST_OF_JANUARY + 23 * 3600)
    expired = shop.api.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (expired.status, expired.latest_invoice.status) == ("incomplete_expired", "void")


def test_a_failing_renewal_is_past_due_until_it_is_paid(shop: Shop) -> None:
    clock = clock_at(shop)
    customer = shop.customer("pm_card_visa", test_clock=clock)
    subscription = shop.subscribe(customer)
    failing = shop.api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    shop.api.subscriptions.update(subscription.id, {"default_payment_method": failing.id})
    advance(shop, clock, LAST_OF_JANUARY + 29 * DAY)
    late = shop.api.subscriptions.retrieve(subscription.id)
    assert late.status == "past_due"
    method = customer.invoice_settings.default_payment_method
    shop.api.invoices.pay(late.latest_invoice, {"payment_method": method})
    assert shop.api.subscriptions.retrieve(subscription.id).status == "active"


def test_cancelling_at_period_end_ends_with_the_period(shop: Shop) -> None:
    clock = clock_at(shop)
    subscription = shop.subscribe(shop.customer(test_clock=clock))
    ending = shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at) == ("active", ending["items"].data[0].current_period_end)
    advance(shop, clock, LAST_OF_JANUARY + 29 * DAY)
    ended = shop.api.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", ending.cancel_at)


def test_the_runners_clock_moves_live_subscriptions(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), trial_period_days=14)
    shop.control("POST", "/_control/clock", {"now": subscription.trial_end + 2 * 3600, "scale": 60})
    try:
        assert shop.api.subscriptions.retrieve(subscription.id).status == "active"
        invoices = shop.api.invoices.list({"subscription": subscription.id}).data
        assert [invoice.status for invoice in invoices] == ["paid", "paid"]
        assert invoices[0].created == subscription.trial_end
    finally:
        shop.control("POST", "/_control/clock", {"now": None})
