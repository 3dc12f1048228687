"""Which of an account's subscriptions is kept, where a payment link made one of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.world import NOON, World
from usher.domain import times
from usher.domain.errors import NotYet
from usher.ports.billing_facts import BillingFacts
from usher.ports.store import Item, Put
from usher.usecases.adopt_subscription import SubscriptionBegan, adopt_subscription
from usher.usecases.refuse_second_subscription import Refusing

ACCOUNT, LINK, OPENER = "acc_1", "su_link", "su_opener"


class RecordingCloser:
    """What was cancelled. There is no payment to refund."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    def cancel_subscription(self, subscription_id: str, *, idempotency_key: str) -> BillingFacts | None:
        self.cancelled.append(subscription_id)
        return None


def given(world: World, *, link_first: bool, **link: Any) -> None:
    """An active account with a checkout's subscription and one of a payment link."""
    began = {"sub_link": 1, "sub_checkout": 2} if link_first else {"sub_link": 2, "sub_checkout": 1}
    of = {"sub_link": LINK, "sub_checkout": OPENER}
    account: Item = {
        "account_id": ACCOUNT,
        "status": "active",
        "org_name": "Acme",
        "plan": "free",
        "version": 1,
    }
    account |= {"signup_id": OPENER, "correlation_id": "cor_1", "created_at": times.text(NOON)}
    world.store.inner.write(Put("accounts", account))
    item: Item = {
        "signup_id": LINK,
        "correlation_id": "cor_1",
        "kind": "payment_link",
        "status": "waiting_payment",
    }
    item |= {"stage": "quotation_sent", "received_at": times.text(NOON), "deadline": times.text(NOON)}
    item |= {"offer": {"plan": "pro-monthly", "title": "Pro", "amount_minor": 4900, "currency": "usd"}}
    world.store.inner.write(Put("signups", {**item, **link}))
    for id, minute in began.items():
        row: Item = {
            "subscription_id": id,
            "account_id": ACCOUNT,
            "customer_id": f"cus_{id}",
            "status": "active",
        }
        row |= {"started_at": times.text(NOON + timedelta(minutes=minute)), "version": 1}
        row |= {"plan": "pro-monthly", "signup_id": of[id]}
        world.store.inner.write(Put("subscriptions", row))


def adopt(world: World, closer: Any) -> str:
    return adopt_subscription(
        SubscriptionBegan(account_id=ACCOUNT, payload={"subscription_id": "sub_checkout"}),
        store=world.store,
        accounts=world.accounts,
        unbilled=world.unbilled,
        refusing=Refusing(
            billing=world.billing, closer=closer, records=world.records, log=world.log, clock=world.clock
        ),
    )


def test_what_a_link_made_is_left_alone_while_its_link_is_undecided(world: World) -> None:
    given(world, link_first=False)
    closer = RecordingCloser()
    assert adopt(world, closer) == "adopted"
    assert (closer.cancelled, world.rows("accounts")[0]["subscription_id"]) == ([], "sub_checkout")


def test_nothing_is_refused_for_a_link_that_is_undecided(world: World) -> None:
    given(world, link_first=True)
    closer = RecordingCloser()
    with pytest.raises(NotYet):
        adopt(world, closer)
    assert closer.cancelled == []


def test_what_a_link_was_paid_by_is_kept_though_another_began_before(world: World) -> None:
    given(world, link_first=False, checkout_id="cs_1", subscription_id="sub_link")
    closer = RecordingCloser()
    assert adopt(world, closer) == "refused"
    assert closer.cancelled == ["sub_checkout"]
