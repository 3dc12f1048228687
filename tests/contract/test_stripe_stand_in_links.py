"""Payment Links at the Stripe stand-in, through the real SDK and the page a customer sees."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

TEAM = {"phone": "+491701234567", "team_id": "t1", "plan": "starter"}
ONCE = {"completed_sessions": {"limit": 1}}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def selling(shop: Shop, **more: Any) -> Any:
    """A link that sells 50 USD of credits."""
    data = {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "Credits"}}
    return shop.api.payment_links.create({"line_items": [{"price_data": data, "quantity": 1}], **more})


def subscribing(shop: Shop, **more: Any) -> Any:
    items = [{"price": shop.price, "quantity": 1}]
    return shop.api.payment_links.create({"line_items": items, **more})


def session_of(shop: Shop, link: Any, *expand: str) -> Any:
    page = shop.api.checkout.sessions.list({"payment_link": link.id, "expand": [f"data.{e}" for e in expand]})
    assert len(page.data) == 1
    return page.data[0]


def test_a_paid_link_tells_its_metadata_to_the_session_and_its_data_to_the_payment(shop: Shop) -> None:
    link = selling(
        shop,
        metadata=TEAM,
        payment_intent_data={"metadata": TEAM | {"via": "link"}, "description": "Team T, Ada"},
        custom_text={"submit": {"message": "For team T"}},
    )
    status, text = shop.page(link.url)
    assert (status, "50.00 USD" in text, "For team T" in text) == (200, True, True)
    status, text = shop.page(
        f"{link.url}?client_reference_id=ref9&prefilled_email=a%40example.com", name="Ada"
    )
    assert (status, "Thank you" in text) == (200, True)
    session = session_of(shop, link, "payment_intent")
    assert (session.status, session.payment_status, session.client_reference_id) == (
        "complete",
        "paid",
        "ref9",
    )
    assert session.customer_details.email == "a@example.com"
    assert session.metadata.to_dict() == TEAM
    assert session.payment_intent.metadata.to_dict() == TEAM | {"via": "link"}
    assert session.payment_intent.description == "Team T, Ada"


def test_a_subscription_link_makes_a_subscription_with_the_metadata_of_its_data(shop: Shop) -> None:
    link = subscribing(
        shop, subscription_data={"metadata": TEAM, "trial_period_days": 7}, metadata={"a": "b"}
    )
    shop.page(link.url, email="sub@example.com")
    session = session_of(shop, link, "subscription", "customer")
    assert (session.mode, session.subscription.status) == ("subscription", "trialing")
    assert session.subscription.metadata.to_dict() == TEAM
    assert session.customer.email == "sub@example.com"


def test_looking_at_a_link_opens_nothing(shop: Shop) -> None:
    link = selling(shop)
    shop.page(link.url)
    assert shop.api.checkout.sessions.list({"payment_link": link.id}).data == []


def test_a_single_use_link_is_paid_once(shop: Shop) -> None:
    link = selling(shop, restrictions=ONCE, inactive_message="Already paid, thank you.")
    results = shop.pay(link=link.url, email="once@example.com", times=3)
    assert [result["status"] for result in results] == [200, 410, 410]
    assert "Already paid" in shop.page(link.url)[1]
    session_of(shop, link)
    used = shop.api.payment_links.retrieve(link.id)
    assert (used.active, used.restrictions.completed_sessions.count) == (False, 1)


def test_a_link_without_limit_can_be_paid_twice(shop: Shop) -> None:
    link = selling(shop)
    results = shop.pay(link=link.id, email="twice@example.com", times=2)
    assert [result["now"]["status"] for result in results] == ["complete", "complete"]
    assert results[0]["now"]["payment_intent"] != results[1]["now"]["payment_intent"]


def test_a_declined_card_does_not_use_the_link_up(shop: Shop) -> None:
    link = selling(shop, restrictions=ONCE)
    refused = shop.pay(link=link.id, email="d@example.com", payment_method="pm_card_chargeCustomerFail")
    assert (refused[0]["status"], refused[0]["now"]["status"]) == (402, "open")
    assert shop.pay(link=link.id, email="d@example.com")[0]["status"] == 200


def test_a_cancelled_link_shows_that_it_is_no_longer_active(shop: Shop) -> None:
    link = selling(shop)
    shop.api.payment_links.update(link.id, {"active": False, "metadata": {"cancelled_by": "op"}})
    status, text = shop.page(link.url)
    assert (status, "no longer active" in text) == (410, True)
    assert shop.page(link.url, email="x@example.com")[0] == 410
    assert link.id not in [each.id for each in shop.api.payment_links.list({"active": True}).data]
    assert shop.api.payment_links.retrieve(link.id).metadata.cancelled_by == "op"


def test_a_session_that_waits_for_the_bank_may_end_after_the_link_was_cancelled(shop: Shop) -> None:
    link = selling(shop, restrictions=ONCE)
    order = {"link": link.id, "email": "s@example.com", "payment_method": "pm_card_threeDSecure2Required"}
    waiting = shop.pay(**order)[0]["now"]
    shop.api.payment_links.update(link.id, {"active": False})
    shop.control("POST", "/_control/complete_authentication", {"payment_intent": waiting["payment_intent"]})
    assert session_of(shop, link).payment_status == "paid"


def test_a_mistyped_link_is_a_page_too(shop: Shop) -> None:
    status, text = shop.page(f"{shop.url}/pay/plink_mistyped")
    assert (status, "Nothing to pay here" in text) == (404, True)


def test_a_link_redirects_where_it_was_told_to(shop: Shop) -> None:
    after = {"type": "redirect", "redirect": {"url": "https://shop.example/thanks"}}
    link = selling(shop, after_completion=after)
    assert "https://shop.example/thanks" in shop.page(link.url, email="r@example.com")[1]


def test_a_link_may_ask_for_the_phone(shop: Shop) -> None:
    link = selling(shop, phone_number_collection={"enabled": True}, customer_creation="always")
    assert shop.page(link.url, email="p@example.com")[0] == 402
    assert shop.page(link.url, email="p@example.com", phone="+491701234567")[0] == 200
    page = shop.api.checkout.sessions.list({"payment_link": link.id, "status": "complete"})
    assert page.data[0].customer_details.phone == "+491701234567"


def test_a_link_lists_its_line_items(shop: Shop) -> None:
    link = selling(shop)
    items = shop.api.payment_links.line_items.list(link.id).data
    assert [(item.description, item.amount_total) for item in items] == [("Credits", 5000)]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"subscription_data": {"description": "x"}}, "You can not pass"),
        ({"restrictions": {"completed_sessions": {"limit": 0}}}, "greater than or equal to 1"),
        ({"after_completion": {"type": "redirect"}}, "needs its url"),
        ({"customer_creation": "never"}, "must be one of"),
        ({"tax_id_collection": {"enabled": True}}, "does not implement"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(shop: Shop, more: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        selling(shop, **more)
