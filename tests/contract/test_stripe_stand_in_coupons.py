"""Coupons and promotion codes at the Stripe stand-in: amounts to the cent, durations, limits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from infra.local.stand_ins.stripe.discount_amounts import reductions
from tests.contract.stripe_shop import Shop, opened_shop

DAY = 86_400
START = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
HOME = {"success_url": "https://shop.example/done"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def promotion(shop: Shop, coupon: Any, **more: Any) -> Any:
    terms = {"promotion": {"type": "coupon", "coupon": coupon.id}, **more}
    return shop.api.promotion_codes.create(terms)


@pytest.mark.parametrize(
    ("amounts", "coupons", "taken"),
    [
        ([2900], [{"percent_off": 20.0}], [[580]]),
        ([333], [{"percent_off": 50}], [[167]]),  # half a cent is rounded up
        ([2900, 100], [{"percent_off": None, "amount_off": 1000}], [[966, 34]]),
        # docs.stripe.com/billing/subscriptions/prorations, "Calculation logic for coupons applied to
        # multiple subscription items"
        ([1000, 2000], [{"percent_off": None, "amount_off": 500}], [[166, 334]]),
        ([500], [{"percent_off": None, "amount_off": 900}], [[500]]),  # never below nothing
        ([1000], [{"percent_off": None, "amount_off": 200}, {"percent_off": 10}], [[200], [80]]),
        ([0, 0], [{"percent_off": None, "amount_off": 200}], [[0, 0]]),
    ],
)
def test_what_a_coupon_takes_off(amounts: list[int], coupons: list[Any], taken: list[list[int]]) -> None:
    assert reductions(amounts, coupons, [None] * len(amounts)) == taken


@pytest.mark.parametrize(
    ("terms", "paid"),
    [
        ({"percent_off": 25, "duration": "once"}, [2175, 2900, 2900, 2900]),
        ({"percent_off": 25, "duration": "repeating", "duration_in_months": 2}, [2175, 2175, 2900, 2900]),
        ({"amount_off": 900, "currency": "usd", "duration": "forever"}, [2000, 2000, 2000, 2000]),
    ],
)
def test_a_discount_lasts_as_long_as_its_coupon_says(
    shop: Shop, terms: dict[str, Any], paid: list[int]
) -> None:
    clock = shop.api.test_helpers.test_clocks.create({"frozen_time": START}).id
    coupon = shop.api.coupons.create(terms)
    subscription = shop.subscribe(shop.customer(test_clock=clock), discounts=[{"coupon": coupon.id}])
    shop.api.test_helpers.test_clocks.advance(clock, {"frozen_time": START + 95 * DAY})
    invoices = shop.api.invoices.list({"subscription": subscription.id}).data[::-1]
    assert [invoice.amount_paid for invoice in invoices] == paid
    first = invoices[0]
    assert first.subtotal - first.total == first.total_discount_amounts[0].amount
    assert first.lines.data[0].discount_amounts[0].discount == first.discounts[0]
    assert shop.api.coupons.retrieve(coupon.id).times_redeemed == 1


def test_a_coupon_for_once_waits_until_the_trial_is_over(shop: Shop) -> None:
    clock = shop.api.test_helpers.test_clocks.create({"frozen_time": START}).id
    coupon = shop.api.coupons.create({"percent_off": 50})
    more = {"discounts": [{"coupon": coupon.id}], "trial_period_days": 7}
    subscription = shop.subscribe(shop.customer(test_clock=clock), **more)
    shop.api.test_helpers.test_clocks.advance(clock, {"frozen_time": START + 8 * DAY})
    invoices = shop.api.invoices.list({"subscription": subscription.id}).data
    assert [invoice.amount_paid for invoice in invoices] == [1450, 0]


def test_a_subscription_over_nothing_needs_no_card(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"percent_off": 100, "duration": "forever"})
    expand = ["discounts.source.coupon", "latest_invoice"]
    subscription = shop.subscribe(shop.customer(None), discounts=[{"coupon": coupon.id}], expand=expand)
    assert (subscription.status, subscription.latest_invoice.amount_due) == ("active", 0)
    assert subscription.discounts[0].source.coupon.percent_off == 100


def test_a_discount_is_changed_and_taken_away(shop: Shop) -> None:
    half = shop.api.coupons.create({"percent_off": 50, "duration": "forever"})
    subscription = shop.subscribe(shop.customer(), discounts=[{"coupon": half.id}])
    more = shop.api.coupons.create({"percent_off": 10, "duration": "forever"})
    keep = {"discounts": [{"discount": subscription.discounts[0]}, {"coupon": more.id}]}
    assert len(shop.api.subscriptions.update(subscription.id, keep).discounts) == 2
    assert shop.api.subscriptions.update(subscription.id, {"discounts": ""}).discounts == []


@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_a_customer_types_a_promotion_code(shop: Shop, mode: str) -> None:
    coupon = shop.api.coupons.create({"percent_off": 20, "duration": "once"})
    code = promotion(shop, coupon, code=f"spring-{mode}", max_redemptions=1)
    data = {"currency": "usd", "unit_amount": 2900, "product_data": {"name": "Credits"}}
    items = [{"price": shop.price} if mode == "subscription" else {"price_data": data}]
    order = {"mode": mode, "line_items": items, "allow_promotion_codes": True, **HOME}
    session = shop.api.checkout.sessions.create(order)
    assert "promotion_code" in shop.page(session.url)[1]
    wrong = shop.pay(session=session.id, email="a@example.com", promotion_code="SUMMER")
    assert (wrong[0]["status"], wrong[0]["now"]["status"]) == (402, "open")
    shop.pay(session=session.id, email="a@example.com", promotion_code=code.code.upper())
    done = shop.api.checkout.sessions.retrieve(session.id)
    assert (done.amount_subtotal, done.amount_total, done.total_details.amount_discount) == (2900, 2320, 580)
    assert done.discounts[0].promotion_code == code.id
    charged = shop.api.charges.list({"limit": 1}).data[0]
    assert charged.amount == 2320
    used = shop.api.promotion_codes.retrieve(code.id)
    assert (used.times_redeemed, used.active) == (1, False)
    assert shop.api.coupons.retrieve(coupon.id).times_redeemed == 1


def test_a_session_or_link_may_bring_its_own_discount(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"amount_off": 900, "currency": "usd", "duration": "once"})
    order = {
        "mode": "subscription",
        "line_items": [{"price": shop.price}],
        "discounts": [{"coupon": coupon.id}],
    }
    session = shop.api.checkout.sessions.create(order | HOME)
    assert (session.amount_total, session.discounts[0].coupon) == (2000, coupon.id)
    assert "20.00 USD" in shop.page(session.url)[1]
    shop.pay(session=session.id, email="own@example.com")
    done = shop.api.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert (done.invoice.amount_paid, done.invoice.total) == (2000, 2000)
    link = shop.api.payment_links.create(
        {"line_items": [{"price": shop.price, "quantity": 1}], "allow_promotion_codes": True}
    )
    code = promotion(shop, coupon)
    paid = shop.pay(link=link.id, email="link@example.com", promotion_code=code.code)
    assert paid[0]["now"]["amount_total"] == 2000


def test_a_trial_session_asks_for_nothing_today(shop: Shop) -> None:
    order = {"mode": "subscription", "line_items": [{"price": shop.price}]}
    session = shop.api.checkout.sessions.create(
        order | HOME | {"subscription_data": {"trial_period_days": 7}}
    )
    assert (session.amount_subtotal, session.amount_total) == (2900, 0)
    assert "Nothing to pay today" in shop.page(session.url)[1]


def test_a_coupon_is_redeemed_no_more_often_than_allowed(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"percent_off": 10, "max_redemptions": 1})
    shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])
    assert not shop.api.coupons.retrieve(coupon.id).valid
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])
    assert caught.value.code == "coupon_expired"


def test_a_promotion_code_knows_whom_it_is_for(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"percent_off": 10, "duration": "forever"})
    mine, first_time = shop.customer(), {"first_time_transaction": True}
    personal = promotion(shop, coupon, customer=mine.id)
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        shop.subscribe(shop.customer(), discounts=[{"promotion_code": personal.id}])
    newcomers = promotion(shop, coupon, restrictions=first_time)
    shop.subscribe(mine, discounts=[{"promotion_code": newcomers.id}])
    with pytest.raises(stripe.InvalidRequestError, match="first-time"):
        shop.subscribe(mine, discounts=[{"promotion_code": newcomers.id}])
    least = {"minimum_amount": 5000, "minimum_amount_currency": "usd"}
    with pytest.raises(stripe.InvalidRequestError, match="below"):
        dear = promotion(shop, coupon, restrictions=least)
        shop.subscribe(shop.customer(), discounts=[{"promotion_code": dear.id}])


def test_codes_are_found_and_switched_off(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"percent_off": 10})
    code = promotion(shop, coupon, code="FINDME", metadata={"campaign": "c1"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        promotion(shop, coupon, code="findme")
    assert [each.id for each in shop.api.promotion_codes.list({"code": "FINDME"}).data] == [code.id]
    shop.api.promotion_codes.update(code.id, {"active": False})
    assert shop.api.promotion_codes.list({"code": "FINDME", "active": True}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.subscribe(shop.customer(), discounts=[{"promotion_code": code.id}])


def test_a_deleted_coupon_goes_on_for_those_who_have_it(shop: Shop) -> None:
    clock = shop.api.test_helpers.test_clocks.create({"frozen_time": START}).id
    coupon = shop.api.coupons.create({"id": "forever-half", "percent_off": 50, "duration": "forever"})
    subscription = shop.subscribe(shop.customer(test_clock=clock), discounts=[{"coupon": coupon.id}])
    assert shop.api.coupons.delete(coupon.id).deleted
    assert coupon.id not in [each.id for each in shop.api.coupons.list({"limit": 100}).data]
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])
    shop.api.test_helpers.test_clocks.advance(clock, {"frozen_time": START + 32 * DAY})
    invoices = shop.api.invoices.list({"subscription": subscription.id}).data
    assert [invoice.amount_paid for invoice in invoices] == [1450, 1450]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "exactly one"),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, "exactly one"),
        ({"percent_off": 101}, "at most 100"),
        ({"amount_off": 5}, "currency"),
        ({"percent_off": 5, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 5, "redeem_by": 1}, "future"),
        ({"percent_off": 5, "applies_to": {"products": ["p"]}}, "No such product"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(shop: Shop, terms: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.api.coupons.create(terms)


def test_a_coupon_in_another_currency_is_refused(shop: Shop) -> None:
    coupon = shop.api.coupons.create({"amount_off": 100, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot reduce"):
        shop.subscribe(shop.customer(), discounts=[{"coupon": coupon.id}])


def test_a_coupon_for_some_products_takes_nothing_off_others(shop: Shop) -> None:
    api = shop.api
    cheap, dear = (
        api.prices.create(
            {
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": "month"},
                "product_data": {"name": f"Plan of {amount}"},
            }
        )
        for amount in (1000, 3000)
    )
    terms: Any = {"percent_off": 50, "duration": "forever", "applies_to": {"products": [cheap.product]}}
    coupon = api.coupons.create(terms)
    customer = shop.customer()

    def order(*prices: Any) -> Any:
        items = [{"price": price.id} for price in prices]
        discounts = [{"coupon": coupon.id}]
        return api.subscriptions.create({"customer": customer.id, "items": items, "discounts": discounts})

    with pytest.raises(stripe.InvalidRequestError, match="applies to nothing in this order"):
        order(dear)
    both = order(cheap, dear)
    assert api.invoices.retrieve(both.latest_invoice).total == 500 + 3000
    checkout: Any = {
        "customer": customer.id,
        "mode": "subscription",
        "line_items": [{"price": dear.id, "quantity": 1}],
        "discounts": [{"coupon": coupon.id}],
        **HOME,
    }
    with pytest.raises(stripe.InvalidRequestError, match="applies to nothing in this order"):
        api.checkout.sessions.create(checkout)
