"""Checkouts through the real adapter at the Stripe stand-in: opened once, found again, closed for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_checkout import StripeCheckouts
from usher.ports.checkout import CheckoutSnapshot

PLAN = "starter-monthly"
EXPIRES_AT = datetime.now(UTC) + timedelta(hours=23)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        opened.api.prices.update(opened.price, {"lookup_key": PLAN})
        yield opened


@pytest.fixture(scope="module")
def checkouts(shop: Shop) -> Iterator[StripeCheckouts]:
    calls = StripeCalls(api_base=shop.url, api_key="sk_test_shop")
    yield StripeCheckouts(calls, StripeBilling(calls))
    calls._http.close()  # functions keep their connections for the life of their process


def opened(checkouts: StripeCheckouts, customer_id: str, signup_id: str) -> CheckoutSnapshot:
    return checkouts.open(
        customer_id=customer_id,
        account_id="acc_1",
        signup_id=signup_id,
        plan=PLAN,
        return_url="https://app.example.com",
        expires_at=EXPIRES_AT,
        correlation_id="cor_1",
        idempotency_key=f"signup/{signup_id}/checkout/1",
    )


def test_a_checkout_that_was_opened_without_an_answer_is_found_by_its_sign_up(
    shop: Shop, checkouts: StripeCheckouts
) -> None:
    customer_id = shop.customer(None).id
    made = {signup_id: opened(checkouts, customer_id, signup_id) for signup_id in ("su_1", "su_2")}
    for signup_id, checkout in made.items():
        assert checkouts.find_open(customer_id=customer_id, signup_id=signup_id) == checkout
    assert checkouts.find_open(customer_id=customer_id, signup_id="su_3") is None
    assert checkouts.find_open(customer_id=shop.customer(None).id, signup_id="su_1") is None


def test_a_checkout_that_is_closed_or_paid_is_found_no_more(shop: Shop, checkouts: StripeCheckouts) -> None:
    customer_id = shop.customer(None).id
    closed, paid = (opened(checkouts, customer_id, signup_id) for signup_id in ("su_closed", "su_paid"))
    assert checkouts.close(closed.checkout_id).status == "expired"
    shop.page(str(paid.url), payment_method="pm_card_visa")
    assert checkouts.find(paid.checkout_id).status == "complete"
    for signup_id in ("su_closed", "su_paid"):
        assert checkouts.find_open(customer_id=customer_id, signup_id=signup_id) is None
