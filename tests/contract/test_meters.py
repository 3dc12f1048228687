"""What Meters promise, asked of Stripe's adapter at the stand-in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_meters import StripeMeters
from usher.domain.errors import VendorRejected
from usher.ports.meters import MeterEvent

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        opened.control("POST", "/_control/clock", {"now": int(NOON.timestamp()), "scale": 0})
        terms = {"display_name": "API calls", "event_name": "usher_api_calls"}
        opened.api.billing.meters.create({**terms, "default_aggregation": {"formula": "sum"}})
        yield opened


@pytest.fixture
def meters(shop: Shop) -> StripeMeters:
    return StripeMeters(StripeCalls(api_base=shop.url, api_key="sk_test_shop"))


def event(shop: Shop, identifier: str, quantity: int = 7, **more: object) -> MeterEvent:
    customer = str(more.get("customer_id") or shop.customer(None).id)
    at = NOON - timedelta(hours=1)
    return MeterEvent(identifier, str(more.get("meter", "usher_api_calls")), customer, quantity, at)


def test_an_event_counts_once_however_often_it_is_told(shop: Shop, meters: StripeMeters) -> None:
    told = event(shop, "usage_one")
    assert meters.counted(told) == 0
    for _ in range(3):
        meters.count(told)
    assert meters.counted(told) == 7


def test_an_event_that_is_held_is_no_error_though_the_request_is_another(
    shop: Shop, meters: StripeMeters
) -> None:
    told = event(shop, "usage_two")
    payload = {"stripe_customer_id": told.customer_id, "value": "7"}
    shop.api.billing.meter_events.create(
        {"event_name": told.meter, "identifier": told.identifier, "payload": payload}
    )
    meters.count(told)
    assert meters.counted(told) == 0  # what is held is another minute's


def test_further_events_of_an_hour_add_up(shop: Shop, meters: StripeMeters) -> None:
    first = event(shop, "usage_three", 3)
    meters.count(first)
    meters.count(event(shop, "usage_four", 4, customer_id=first.customer_id))
    assert meters.counted(first) == 7


@pytest.mark.parametrize("wrong", [{"meter": "usher_unheard_of"}, {"customer_id": "cus_nobody"}])
def test_what_can_never_be_counted_is_refused(
    shop: Shop, meters: StripeMeters, wrong: dict[str, str]
) -> None:
    with pytest.raises(VendorRejected):
        meters.count(event(shop, "usage_wrong", **wrong))


def test_an_unknown_meter_has_counted_nothing_and_says_so(shop: Shop, meters: StripeMeters) -> None:
    with pytest.raises(VendorRejected):
        meters.counted(event(shop, "usage_five", meter="usher_unheard_of"))
