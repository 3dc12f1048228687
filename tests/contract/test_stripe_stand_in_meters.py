"""Meters at the Stripe stand-in: what is counted, what is refused, what the windows add up to."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

HOUR, DAY = 3600, 86_400
NOON = 1_800_014_400  # 2027-01-15 12:00 UTC


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        opened.control("POST", "/_control/clock", {"now": NOON, "scale": 0})
        yield opened


def meter(shop: Shop, name: str, formula: str = "sum") -> Any:
    terms = {"display_name": "Calls", "event_name": name, "default_aggregation": {"formula": formula}}
    return shop.api.billing.meters.create(terms)


def used(shop: Shop, name: str, customer: Any, value: str = "1", **more: Any) -> Any:
    payload = {"stripe_customer_id": customer.id, "value": value}
    return shop.api.billing.meter_events.create({"event_name": name, "payload": payload, **more})


def summed(shop: Shop, meter: Any, customer: Any, **more: Any) -> list[tuple[int, float]]:
    terms = {"customer": customer.id, "start_time": NOON - DAY, "end_time": NOON + HOUR, **more}
    found = shop.api.billing.meters.event_summaries.list(meter.id, terms).data
    return [(summary.start_time, summary.aggregated_value) for summary in found]


def test_what_a_customer_used_is_summed_by_window(shop: Shop) -> None:
    calls, ada, bob = meter(shop, "calls"), shop.customer(None), shop.customer(None)
    for at, value in ((NOON - 2 * HOUR, "3"), (NOON - 2 * HOUR + 59, "1.5"), (NOON, "2")):
        used(shop, "calls", ada, value, timestamp=at)
    used(shop, "calls", bob, "100")
    assert summed(shop, calls, ada) == [(NOON - DAY, 6.5)]
    hourly = summed(shop, calls, ada, value_grouping_window="hour")
    assert hourly == [(NOON, 2.0), (NOON - 2 * HOUR, 4.5)]
    with pytest.raises(stripe.InvalidRequestError, match="aligned"):
        summed(shop, calls, ada, start_time=NOON - DAY + 1)


@pytest.mark.parametrize(("formula", "total"), [("sum", 9.0), ("count", 3.0), ("last", 2.0)])
def test_a_meter_aggregates_by_its_formula(shop: Shop, formula: str, total: float) -> None:
    made, ada = meter(shop, f"by_{formula}", formula), shop.customer(None)
    for at, value in ((NOON - 60, "4"), (NOON - 30, "3"), (NOON, "2")):
        used(shop, made.event_name, ada, value, timestamp=at)
    assert summed(shop, made, ada) == [(NOON - DAY, total)]


def test_an_identifier_counts_once_in_24_hours() -> None:
    with opened_shop() as shop:
        shop.control("POST", "/_control/clock", {"now": NOON, "scale": 0})
        calls, ada = meter(shop, "calls"), shop.customer(None)
        assert used(shop, "calls", ada, identifier="usage/1").identifier == "usage/1"
        with pytest.raises(stripe.InvalidRequestError) as caught:
            used(shop, "calls", ada, identifier="usage/1")
        assert caught.value.user_message == "An event already exists with identifier usage/1."
        assert (caught.value.http_status, caught.value.code) == (400, None)
        assert summed(shop, calls, ada) == [(NOON - DAY, 1.0)]
        shop.control("POST", "/_control/clock", {"now": NOON + DAY + 1, "scale": 0})
        used(shop, "calls", ada, identifier="usage/1", timestamp=NOON)
        assert summed(shop, calls, ada) == [(NOON - DAY, 2.0)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timestamp": NOON - 35 * DAY - 1}, "within the past 35 calendar days"),
        ({"timestamp": NOON + 301}, "too far in the future"),
        ({"value": "many"}, "is no number"),
        ({"name": "unheard_of"}, "No active meter"),
    ],
)
def test_what_stripe_does_not_count_is_refused(shop: Shop, change: dict[str, Any], said: str) -> None:
    if "calls" not in {each.event_name for each in shop.api.billing.meters.list({"limit": 100}).data}:
        meter(shop, "calls")
    name, ada = change.get("name", "calls"), shop.customer(None)
    rest = {key: value for key, value in change.items() if key != "name"}
    with pytest.raises(stripe.InvalidRequestError, match=said):
        used(shop, name, ada, **rest)


def test_an_event_can_be_cancelled(shop: Shop) -> None:
    made, ada = meter(shop, "cancelled"), shop.customer(None)
    used(shop, "cancelled", ada, identifier="wrong")
    order = {"event_name": "cancelled", "type": "cancel", "cancel": {"identifier": "wrong"}}
    assert shop.api.billing.meter_event_adjustments.create(order).status == "complete"
    assert summed(shop, made, ada) == []


def test_a_meter_that_rests_counts_nothing(shop: Shop) -> None:
    made, ada = meter(shop, "resting"), shop.customer(None)
    with pytest.raises(stripe.InvalidRequestError, match="already an active meter"):
        meter(shop, "resting")
    assert shop.api.billing.meters.deactivate(made.id).status == "inactive"
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        used(shop, "resting", ada)
    assert shop.api.billing.meters.reactivate(made.id).status == "active"
    used(shop, "resting", ada)


def test_a_metered_price_names_its_meter(shop: Shop) -> None:
    product = shop.api.products.create({"name": "Calls"}).id
    terms = {"product": product, "currency": "usd", "unit_amount": 5}
    made = meter(shop, "priced")
    recurring = {"interval": "month", "usage_type": "metered", "meter": made.id}
    assert shop.api.prices.create({**terms, "recurring": recurring}).recurring.meter == made.id
    for wrong in ({"usage_type": "metered"}, {"meter": made.id}, {**recurring, "meter": "mtr_gone"}):
        with pytest.raises(stripe.InvalidRequestError):
            shop.api.prices.create({**terms, "recurring": {"interval": "month", **wrong}})
