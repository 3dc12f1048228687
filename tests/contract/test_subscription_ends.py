"""Ending a subscription through the API: what goes back, who comes back, and ends that broke off (C5)."""

from collections.abc import Iterator

import pytest

from functions.billing.finish_ends import handler as finish_ends
from tests.contract.stripe_shop import Shop
from tests.contract.subscriber import Subscriber, payment_of, stocked_shop
from tests.fakes.world import World, world
from usher.domain.errors import VendorRejected, VendorUnavailable

__all__ = ["world"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with stocked_shop() as opened:
        yield opened


@pytest.fixture
def ada(shop: Shop, world: World) -> Subscriber:
    return Subscriber(shop, world)


def test_an_end_with_the_period_can_be_undone(ada: Subscriber) -> None:
    status, ended = ada.post("cancel", {"reason": "too dear"})
    assert (status, ended["status"], ended["cancel_at"]) == (200, "active", "2025-12-21T12:00:00.000Z")
    assert ended["retained"]["data_until"] == "2026-03-21T12:00:00.000Z"
    assert ada.post("cancel", {})[0] == 409
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 409
    status, state = ada.post("reactivate")
    assert (status, "cancel_at" in state) == (200, False)
    assert ada.later(days=31).invoices()[-1].amount_paid == 1900


@pytest.mark.parametrize(("refund", "back"), [("none", 0), ("prorated", 950), ("full", 1900)])
def test_an_end_now_pays_back_what_was_asked_for(ada: Subscriber, refund: str, back: int) -> None:
    ada.later(days=15)
    preview = ada.post("preview", {"cancel": {"when": "now", "refund": refund}})[1]
    assert (preview["direction"], preview["refunded_minor"]) == ("cancel", back)
    status, ended = ada.post("cancel", {"when": "now", "refund": refund})
    assert (status, ended["status"], ended["refunded_minor"]) == (200, "canceled", back)
    refunds = [each for each in ada.api.refunds.list({"limit": 100}).data if each.metadata.correlation_id]
    mine = [each for each in refunds if each.payment_intent == payment_of(ada)]
    assert [each.amount for each in mine] == ([back] if back else [])
    assert ended["retained"]["access_until"] == ended["canceled_at"]


def test_what_was_paid_in_several_payments_goes_back_newest_first(ada: Subscriber) -> None:
    ada.post("change", {"plan": "pro-monthly"})  # 19.00, then 30.00 more
    ended = ada.post("cancel", {"when": "now", "refund": "full"})[1]
    assert ended["refunded_minor"] == 4900


def test_what_credit_had_paid_for_becomes_credit_again(ada: Subscriber) -> None:
    ada.later(days=15).post("pause")  # 9.50 of credit
    ada.later(days=1).post("resume")  # 19.00, of which 9.50 by the card
    ada.later(seconds=1)
    preview = ada.post("preview", {"cancel": {"when": "now", "refund": "prorated"}})[1]
    assert (preview["refunded_minor"], preview["credited_minor"]) == (950, 950)
    order = {"when": "now", "refund": "prorated", "reason": "Grace Hopper moved away"}
    ended = ada.post("cancel", order)[1]
    assert (ended["refunded_minor"], ended["credited_minor"], ada.balance()) == (950, 950, -950)
    assert "credit_balance.adjusted" in ada.world.events(ada.account_id)
    assert "Grace" not in str(ada.world.rows("events"))  # what a person wrote does not leave us
    assert "Grace" in str(ada.audited())
    assert "credit_balance.adjusted" in ada.world.events(ada.account_id)


def test_what_the_bank_has_taken_back_does_not_become_credit_too(shop: Shop, world: World) -> None:
    eve = Subscriber(shop, world, method="pm_card_createDispute").later(days=15)
    preview = eve.post("preview", {"cancel": {"when": "now", "refund": "prorated"}})[1]
    assert (preview["refunded_minor"], preview["credited_minor"]) == (0, 0)
    ended = eve.post("cancel", {"when": "now", "refund": "prorated"})[1]
    assert (ended["refunded_minor"], ended["credited_minor"], eve.balance()) == (0, 0, 0)


def test_what_was_given_back_before_does_not_become_credit_too(ada: Subscriber) -> None:
    ada.api.refunds.create({"payment_intent": payment_of(ada), "amount": 1500})
    ada.later(days=15)
    ended = ada.post("cancel", {"when": "now", "refund": "prorated"})[1]
    assert (ended["refunded_minor"], ended["credited_minor"], ada.balance()) == (400, 0, 0)


def test_all_that_goes_back_is_what_was_paid_less_the_credit_a_downgrade_left(
    shop: Shop, world: World
) -> None:
    leo = Subscriber(shop, world, plan="pro-monthly").later(days=15)
    leo.post("change", {"plan": "starter-monthly", "when": "now"})  # 49.00 were paid, 15.00 are credit
    assert leo.balance() == -1500
    ended = leo.post("cancel", {"when": "now", "refund": "full"})[1]
    assert (ended["refunded_minor"], ended["credited_minor"], leo.balance()) == (3400, 0, -1500)


def test_a_refund_in_full_is_no_less_than_one_in_part(ada: Subscriber) -> None:
    ada.later(days=15).post("pause")  # 9.50 of credit
    ada.later(days=1).post("resume")  # 19.00, of which 9.50 by the card
    ended = ada.later(days=15).post("cancel", {"when": "now", "refund": "full"})[1]
    assert (ended["refunded_minor"], ended["credited_minor"], ada.balance()) == (950, 950, -950)


def test_a_refund_takes_a_person(ada: Subscriber) -> None:
    assert ada.post("cancel", {"when": "now", "refund": "full"}, role="product")[0] == 403
    assert ada.post("cancel", {"when": "now"}, role="product")[0] == 200


def test_who_leaves_owes_the_open_invoice_no_more(ada: Subscriber) -> None:
    """SCENARIOS 19: voluntary cancellation while an invoice retries."""
    ada.use_card("pm_card_chargeCustomerFail")
    ada.later(days=31)
    assert (ada.row()["status"], ada.invoices()[-1].status) == ("past_due", "open")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 409
    status, ended = ada.post("cancel", {"when": "now", "refund": "prorated"})
    assert (status, ended["status"], ended["refunded_minor"]) == (200, "canceled", 0)
    assert ada.invoices()[-1].status == "void"
    assert ada.later(days=40).invoices()[-1].status == "void"


def test_who_comes_back_after_the_end_gets_a_new_subscription(ada: Subscriber) -> None:
    ada.post("cancel", {"when": "now"})
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 409
    status, state = ada.post("reactivate", {"plan": "pro-monthly", "promo": "HALF"}, key="back")
    assert (status, state["status"], state["plan"]) == (200, "active", "pro-monthly")
    assert state["subscription_id"] != ada.id
    again = ada.post("reactivate", {"plan": "pro-monthly", "promo": "HALF"}, key="back")[1]
    assert again["subscription_id"] == state["subscription_id"]
    live = ada.api.subscriptions.list({"customer": ada.customer.id}).data
    assert [each.id for each in live] == [state["subscription_id"]]
    account = ada.world.accounts.find(ada.account_id)
    assert account is not None
    assert (account.subscription_id, account.plan) == (state["subscription_id"], "pro-monthly")


def test_who_comes_back_with_a_bad_card_has_nothing_yet(ada: Subscriber) -> None:
    ada.post("cancel", {"when": "now"})
    ada.use_card("pm_card_chargeCustomerFail")
    assert ada.post("reactivate")[0] == 402
    assert ada.api.subscriptions.list({"customer": ada.customer.id}).data == []


# -- ends that broke off ---------------------------------------------------------------------------


def broken_off(ada: Subscriber, operation: str, fault: str = "fail_after") -> None:
    """An end now that was asked for once, and never again; its lease has run out."""
    ada.later(days=15)
    ada.shop.control("POST", "/_control/faults", {"operation": operation, "fault": fault})
    order = {"when": "now", "refund": "prorated", "reason": "closing down"}
    assert ada.post("cancel", order, key="k1", subject="alan")[0] == 503
    assert finish_ends({}, None) == {"count": 0}  # its own request may be at work
    ada.world.clock.advance(61)


def given_back(ada: Subscriber) -> int:
    intent = ada.api.payment_intents.retrieve(payment_of(ada), {"expand": ["latest_charge"]})
    return int(intent.latest_charge.amount_refunded)


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
def test_an_end_that_broke_off_is_finished_by_itself(ada: Subscriber, fault: str) -> None:
    broken_off(ada, "POST /v1/refunds", fault)
    assert finish_ends({}, None) == {"count": 1}
    assert (given_back(ada), ada.row()["status"]) == (950, "canceled")
    (noted,) = ada.audited()
    assert (noted["action"], noted["actor"], noted["reason"]) == (
        "subscription.cancel",
        "alan",
        "closing down",
    )
    assert noted["after"]["refunded_minor"] == 950
    assert finish_ends({}, None) == {"count": 0}
    again = ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1", subject="alan")
    assert (again[0], again[1]["refunded_minor"], given_back(ada)) == (200, 950, 950)


def test_an_end_whose_answer_alone_was_lost_still_gives_back(ada: Subscriber) -> None:
    broken_off(ada, "DELETE /v1/subscriptions/{id}")
    assert finish_ends({}, None) == {"count": 1}
    assert given_back(ada) == 950


def test_an_end_that_never_took_effect_gives_nothing_back_and_frees_the_subscription(ada: Subscriber) -> None:
    broken_off(ada, "DELETE /v1/subscriptions/{id}", "fail_before")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 409
    assert finish_ends({}, None) == {"count": 0}
    assert (given_back(ada), ada.at_stripe().status) == (0, "active")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 200


def test_what_an_end_owes_is_not_forgotten_by_who_comes_back_before_it_is_paid(ada: Subscriber) -> None:
    broken_off(ada, "POST /v1/refunds", "fail_before")
    ada.sync()
    assert ada.post("reactivate")[0] == 409
    assert finish_ends({}, None) == {"count": 1}
    assert ada.post("reactivate")[0] == 200
    assert given_back(ada) == 950


def test_an_end_that_cannot_be_finished_now_is_told_and_finished_later(ada: Subscriber) -> None:
    broken_off(ada, "POST /v1/refunds", "fail_before")
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/refunds", "fault": "500", "count": 1}
    )
    for _ in range(2):  # then the failure that Stripe has stored under the key
        with pytest.raises(VendorUnavailable):
            finish_ends({}, None)
        assert given_back(ada) == 0
        ada.world.clock.advance(61)
    assert finish_ends({}, None) == {"count": 1}
    assert given_back(ada) == 950


def test_what_an_end_owes_is_not_forgotten_when_the_vendor_refuses_its_refund(ada: Subscriber) -> None:
    ada.later(days=15)
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/refunds", "fault": "400", "count": 2}
    )
    assert ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1")[0] == 502
    assert (given_back(ada), ada.at_stripe().status) == (0, "canceled")
    ada.sync()
    assert ada.post("reactivate")[0] == 409
    ada.world.clock.advance(61)
    with pytest.raises(VendorRejected):
        finish_ends({}, None)
    ada.world.clock.advance(61)
    assert finish_ends({}, None) == {"count": 1}
    assert given_back(ada) == 950
    again = ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1")
    assert (again[0], again[1]["refunded_minor"], given_back(ada)) == (200, 950, 950)


def test_a_refused_end_frees_the_subscription_once_it_is_known_to_run_on(ada: Subscriber) -> None:
    ada.later(days=15)
    fault = {"operation": "DELETE /v1/subscriptions/{id}", "fault": "400", "count": 1}
    ada.shop.control("POST", "/_control/faults", fault)
    assert ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1")[0] == 502
    ada.world.clock.advance(61)
    assert finish_ends({}, None) == {"count": 0}
    assert (given_back(ada), ada.at_stripe().status) == (0, "active")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 200


def test_an_end_that_is_asked_for_again_is_never_that_of_what_came_back_since(ada: Subscriber) -> None:
    broken_off(ada, "POST /v1/refunds", "fail_before")
    assert finish_ends({}, None) == {"count": 1}
    back = ada.post("reactivate")[1]["subscription_id"]
    again = ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1", subject="alan")
    assert (again[0], again[1]["subscription_id"], again[1]["refunded_minor"]) == (200, ada.id, 950)
    assert ada.api.subscriptions.retrieve(back).status == "active"
