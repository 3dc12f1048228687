"""Metered prices at the Stripe stand-in: billed in arrears, until the invoice is final, and never twice."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

HOUR, DAY = 3600, 86_400
START = 1_798_761_600  # 2027-01-01 00:00 UTC
FEBRUARY = START + 31 * DAY


class Metered:
    """Somebody on 29.00 a month and 0.05 a call, from the first of January 2027."""

    def __init__(self, shop: Shop, **terms: Any) -> None:
        self.shop, self.api = shop, shop.api
        self.clock = self.api.test_helpers.test_clocks.create({"frozen_time": START}).id
        formula = {"default_aggregation": {"formula": "sum"}}
        self.name = f"calls of {self.clock}"
        meter = self.api.billing.meters.create({"display_name": "Calls", "event_name": self.name, **formula})
        recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        price = {"currency": "usd", "unit_amount": 5, "recurring": recurring}
        self.price = self.api.prices.create({**price, "product_data": {"name": "Calls"}}).id
        self.customer = shop.customer(test_clock=self.clock)
        items = [{"price": shop.price}, {"price": self.price}]
        self.subscription = shop.subscribe(self.customer, items=items, **terms)

    def used(self, calls: int, at: int) -> None:
        payload = {"stripe_customer_id": self.customer.id, "value": str(calls)}
        self.api.billing.meter_events.create({"event_name": self.name, "payload": payload, "timestamp": at})

    def advance(self, to: int) -> None:
        self.api.test_helpers.test_clocks.advance(self.clock, {"frozen_time": to})

    def invoice(self) -> Any:
        """The latest one."""
        return self.api.invoices.list({"subscription": self.subscription.id, "limit": 1}).data[0]

    def billed(self) -> list[tuple[int, int, int]]:
        """Amount, quantity and first moment of the metered lines of the latest invoice."""
        return [
            (line.amount, line.quantity, line.period.start)
            for line in self.invoice().lines.data
            if line.pricing.price_details.price == self.price
        ]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def test_what_was_used_is_on_the_next_invoice(shop: Shop) -> None:
    ada = Metered(shop)
    assert (ada.billed(), ada.invoice().total) == ([], 2900)
    ada.advance(START + 10 * DAY)
    ada.used(120, START + 10 * DAY)
    ada.advance(FEBRUARY + 2 * HOUR)
    assert (ada.billed(), ada.invoice().amount_paid) == ([(600, 120, START)], 3500)


def test_usage_reported_in_the_hour_of_the_draft_still_counts_and_later_it_does_not(shop: Shop) -> None:
    ada = Metered(shop)
    ada.advance(FEBRUARY + 60)
    assert (ada.invoice().status, ada.billed()) == ("draft", [(0, 0, START)])
    ada.used(10, FEBRUARY - 60)  # late, and in time
    ada.advance(FEBRUARY + 2 * HOUR)
    assert (ada.invoice().status, ada.billed(), ada.invoice().total) == ("paid", [(50, 10, START)], 2950)
    ada.used(1000, FEBRUARY - 60)  # too late: counted, and billed by nobody
    ada.used(20, FEBRUARY + HOUR)
    ada.advance(START + 59 * DAY + 2 * HOUR)
    assert ada.billed() == [(100, 20, FEBRUARY)]


def test_the_preview_tells_what_was_used_so_far(shop: Shop) -> None:
    ada = Metered(shop)
    ada.advance(START + DAY)
    ada.used(40, START + DAY)
    shown = ada.api.invoices.create_preview({"subscription": ada.subscription.id})
    assert shown.total == 2900 + 200
    ada.advance(FEBRUARY + 2 * HOUR)
    assert ada.billed() == [(200, 40, START)]  # the preview has used nothing up


def test_at_the_end_of_the_last_period_usage_is_billed_once_more(shop: Shop) -> None:
    ada = Metered(shop)
    ada.api.subscriptions.update(ada.subscription.id, {"cancel_at_period_end": True})
    ada.advance(START + DAY)
    ada.used(40, START + DAY)
    ada.advance(FEBRUARY + 2 * HOUR)
    assert ada.api.subscriptions.retrieve(ada.subscription.id).status == "canceled"
    assert (ada.invoice().status, ada.invoice().amount_paid) == ("paid", 200)


def test_cancelling_now_bills_usage_when_that_is_asked_for(shop: Shop) -> None:
    for invoice_now, totals in ((True, [200, 2900]), (False, [2900])):
        ada = Metered(shop)
        ada.advance(START + DAY)
        ada.used(40, START + HOUR)
        ada.api.subscriptions.cancel(ada.subscription.id, {"invoice_now": invoice_now, "prorate": False})
        found = ada.api.invoices.list({"subscription": ada.subscription.id}).data
        assert [invoice.total for invoice in found] == totals


def test_usage_of_a_trial_is_free(shop: Shop) -> None:
    ada = Metered(shop, trial_end=START + 7 * DAY)
    ada.advance(START + DAY)
    ada.used(1000, START + DAY)
    ada.advance(START + 7 * DAY + 2 * HOUR)
    assert (ada.billed(), ada.invoice().total) == ([], 2900)


def test_a_metered_item_has_no_quantity(shop: Shop) -> None:
    ada = Metered(shop)
    (item,) = [each for each in ada.subscription["items"].data if each.price.id == ada.price]
    assert item.quantity is None
    with pytest.raises(stripe.InvalidRequestError, match="quantity for metered"):
        shop.subscribe(ada.customer, items=[{"price": ada.price, "quantity": 2}])
