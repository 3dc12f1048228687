"""Payment links through the real adapter at the Stripe stand-in: single use, closed for good, read back."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_closing import StripeCloser
from usher.adapters.stripe_links import StripePaymentLinks
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.domain.payment_links import Offer
from usher.ports.links import LinkSnapshot

CREDITS = Offer(credits=500, title="500 credits", amount_minor=1000, currency="usd")
PLAN = Offer(plan="links-monthly", title="Links, monthly", amount_minor=2900, currency="usd")
NAMES = {"account_id": "acc_1", "signup_id": "su_1", "phone": "+85251234567", "team_id": "team_1"}
BANK = "pm_usBankAccount"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop(options={"clearing_seconds": 3600}) as opened:
        opened.api.prices.update(opened.price, {"lookup_key": PLAN.plan})
        yield opened


@pytest.fixture(scope="module")
def calls(shop: Shop) -> Iterator[StripeCalls]:
    made = StripeCalls(api_base=shop.url, api_key="sk_test_shop")
    yield made
    made._http.close()  # functions keep their connections for the life of their process


@pytest.fixture
def links(calls: StripeCalls) -> StripePaymentLinks:
    return StripePaymentLinks(calls, StripeBilling(calls))


def make(links: StripePaymentLinks, offer: Offer, signup_id: str) -> LinkSnapshot:
    return links.create(
        offer,
        metadata=NAMES | {"signup_id": signup_id},
        description="Team Acme, contact Ada",
        note="For the team Acme",
        idempotency_key=f"signup/{signup_id}/payment-link/1",
    )


def pay(shop: Shop, link: LinkSnapshot, **typed: Any) -> Any:
    return shop.pay(link=link.url, email="payer@example.com", **typed)[0]


@pytest.mark.parametrize("offer", [CREDITS, PLAN], ids=["credits", "plan"])
def test_a_link_is_made_once_and_paid_once(shop: Shop, links: StripePaymentLinks, offer: Offer) -> None:
    signup_id = f"su_once_{offer.key}"
    link = make(links, offer, signup_id)
    assert make(links, offer, signup_id) == link == links.find(signup_id)
    assert (pay(shop, link)["status"], pay(shop, link)["status"]) == (200, 410)
    (checkout,) = links.checkouts(link.link_id)
    assert (checkout.state, checkout.amount_minor, checkout.currency) == ("paid", offer.amount_minor, "usd")
    assert (checkout.email, checkout.customer_id is not None) == ("payer@example.com", True)
    assert checkout.paid_at is not None and checkout.paid_at >= checkout.created_at
    assert (checkout.subscription_id is None) == (offer.plan is None) != (checkout.payment_id is None)
    assert links.signup_of(checkout.checkout_id) == signup_id


def test_what_a_link_makes_carries_our_metadata_and_description(
    shop: Shop, links: StripePaymentLinks
) -> None:
    plan, credits = make(links, PLAN, "su_plan"), make(links, CREDITS, "su_credits")
    pay(shop, plan)
    pay(shop, credits)
    subscription = shop.api.subscriptions.retrieve(links.checkouts(plan.link_id)[0].subscription_id)
    payment = shop.api.payment_intents.retrieve(links.checkouts(credits.link_id)[0].payment_id)
    assert subscription.metadata.to_dict() == NAMES | {"signup_id": "su_plan"}
    assert payment.metadata.to_dict() == NAMES | {"signup_id": "su_credits"}
    assert subscription.description == payment.description == "Team Acme, contact Ada"
    assert "For the team Acme" in shop.page(make(links, CREDITS, "su_page").url)[1]


def test_a_closed_link_cannot_be_paid_not_even_at_a_page_that_is_open(
    shop: Shop, links: StripePaymentLinks
) -> None:
    link = make(links, CREDITS, "su_closed")
    assert pay(shop, link, payment_method="pm_card_threeDSecure2Required")["now"]["status"] == "open"
    assert [each.state for each in links.checkouts(link.link_id)] == ["open"]
    links.close(link.link_id)
    links.close(link.link_id)
    assert pay(shop, link)["status"] == 410
    assert [each.state for each in links.checkouts(link.link_id)] == ["expired"]


@pytest.mark.parametrize("offer", [CREDITS, PLAN], ids=["credits", "plan"])
@pytest.mark.parametrize(("outcome", "state"), [("succeed", "paid"), ("fail", "failed")])
def test_a_bank_debit_is_under_way_and_then_paid_or_failed(
    shop: Shop, links: StripePaymentLinks, offer: Offer, outcome: str, state: str
) -> None:
    link = make(links, offer, f"su_bank_{outcome}_{offer.key}")
    pay(shop, link, payment_method=BANK)
    (checkout,) = links.checkouts(link.link_id)
    assert (checkout.state, checkout.paid_at) == ("processing", None)
    payment_id = checkout.payment_id or _payment_of(shop, checkout.subscription_id)
    order = {"payment_intent": payment_id, "outcome": outcome}
    shop.control("POST", "/_control/settle_payment", order)
    assert [each.state for each in links.checkouts(link.link_id)] == [state]


def test_a_customer_of_a_checkout_finds_its_account_before_and_after_it_is_marked(
    shop: Shop, links: StripePaymentLinks, calls: StripeCalls
) -> None:
    link, billing = make(links, CREDITS, "su_customer"), StripeBilling(calls)
    pay(shop, link)
    customer_id = links.checkouts(link.link_id)[0].customer_id
    assert customer_id is not None
    assert billing.account_of(customer_id) == "acc_1"
    links.mark_customer(customer_id, metadata={"account_id": "acc_2"}, idempotency_key="signup/su/customer")
    assert billing.account_of(customer_id) == "acc_2"


def test_a_checkout_of_no_link_is_nobody_s(links: StripePaymentLinks) -> None:
    assert links.signup_of("cs_unknown") is None


def test_a_link_that_does_not_exist_cannot_be_closed(links: StripePaymentLinks) -> None:
    with pytest.raises(VendorRejected):
        links.close("plink_unknown")


def _payment_of(shop: Shop, subscription_id: str | None) -> str:
    return str(shop.intent_of(shop.api.subscriptions.retrieve(subscription_id)).id)


def test_a_page_that_stays_open_in_spite_of_its_end_is_no_closed_link(
    shop: Shop, links: StripePaymentLinks
) -> None:
    """A refusal is believed to mean "it is not open any more" only when the page says so."""
    link = make(links, CREDITS, "su_refused")
    pay(shop, link, payment_method="pm_card_threeDSecure2Required")
    shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/checkout/sessions/{id}/expire", "fault": "400"}
    )
    with pytest.raises(VendorRejected):
        links.close(link.link_id)
    links.close(link.link_id)


def test_a_customer_is_marked_in_spite_of_a_failure_that_the_vendor_has_stored(
    shop: Shop, links: StripePaymentLinks
) -> None:
    customer = shop.customer()
    shop.control("POST", "/_control/faults", {"operation": "POST /v1/customers/{id}", "fault": "500"})
    marks: dict[str, Any] = {"metadata": {"account_id": "acc_9"}, "idempotency_key": "signup/su_9/customer/1"}
    with pytest.raises(VendorUnavailable):
        links.mark_customer(customer.id, **marks)
    links.mark_customer(customer.id, **marks)
    assert shop.api.customers.retrieve(customer.id).metadata["account_id"] == "acc_9"


@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_a_refund_goes_out_once_in_spite_of_a_failure_that_the_vendor_has_stored(
    shop: Shop, calls: StripeCalls, effect: bool
) -> None:
    intent = shop.intent_of(shop.subscribe(shop.customer()))
    order = {"operation": "POST /v1/refunds", "fault": "500", "effect": effect}
    shop.control("POST", "/_control/faults", order)
    names = {"correlation_id": "cor_1", "idempotency_key": f"signup/su_1/refund/{intent.id}"}
    closer = StripeCloser(calls)
    with pytest.raises(VendorUnavailable):
        closer.refund(intent.id, **names)
    closer.refund(intent.id, **names)
    closer.refund(intent.id, **names)
    closer.refund(intent.id, **names)
    assert [each.amount for each in shop.api.refunds.list({"payment_intent": intent.id}).data] == [2900]
