"""Changing a subscription through the API, with the real adapters at the Stripe stand-in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.billing.finish_ends import handler as finish_ends
from infra import policy_files
from tests.contract.stripe_shop import Shop, opened_shop
from tests.contract.subscriber import Subscriber, stocked
from tests.fakes.world import World, world
from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap import policies
from usher.domain.errors import VendorUnavailable
from usher.domain.plans import PlanCatalog
from usher.ports.store import Delete, Update

__all__ = ["world"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        stocked(opened, PlanCatalog.model_validate(policy_files.load("plans")))
        yield opened


@pytest.fixture
def ada(shop: Shop, world: World) -> Subscriber:
    return Subscriber(shop, world)


# -- previews and upgrades ------------------------------------------------------------------------


def test_an_upgrade_costs_what_its_preview_said_to_the_cent(ada: Subscriber) -> None:
    ada.later(days=15)
    status, preview = ada.post("preview", {"plan": "pro-monthly"})
    assert status == 200, preview
    assert (preview["direction"], preview["when"], preview["charged_now_minor"]) == ("upgrade", "now", 1500)
    assert [line["amount_minor"] for line in preview["lines"]] == [-950, 2450]
    assert preview["next_invoice"] == {"at": "2025-12-21T12:00:00.000Z", "amount_minor": 4900}
    assert len(ada.invoices()) == 1
    ada.later(minutes=7)
    status, state = ada.post("change", {"plan": "pro-monthly", "priced_at": preview["priced_at"]})
    assert (status, state["plan"], state["status"]) == (200, "pro-monthly", "active")
    assert (ada.row()["plan"], ada.invoices()[-1].amount_paid) == ("pro-monthly", 1500)


def waiting_items(subscriber: Subscriber, count: int) -> None:
    """Amounts that wait for the subscription's next invoice: 1, 2, 3, ... cents."""
    order = {"customer": subscriber.customer.id, "subscription": subscriber.id, "currency": "usd"}
    for cents in range(1, count + 1):
        subscriber.api.invoice_items.create({**order, "amount": cents})


def test_a_preview_tells_every_line_of_a_long_invoice(ada: Subscriber) -> None:
    ada.later(days=15)
    waiting_items(ada, 23)
    preview = ada.post("preview", {"plan": "pro-monthly"})[1]
    assert sorted(line["amount_minor"] for line in preview["lines"]) == [-950, *range(1, 24), 2450]
    assert preview["charged_now_minor"] == 1500 + sum(range(1, 24))
    ada.post("change", {"plan": "pro-monthly", "priced_at": preview["priced_at"]})
    assert ada.invoices()[-1].amount_paid == preview["charged_now_minor"]


def test_what_an_end_gives_back_is_found_on_a_long_invoice(ada: Subscriber) -> None:
    waiting_items(ada.later(days=15), 23)
    assert ada.post("preview", {"cancel": {"when": "now", "refund": "prorated"}})[1]["refunded_minor"] == 950
    assert ada.post("cancel", {"when": "now", "refund": "prorated"})[1]["refunded_minor"] == 950


def test_without_a_preview_the_moment_of_the_change_counts(ada: Subscriber) -> None:
    ada.later(days=15)
    assert ada.post("change", {"plan": "starter-monthly", "quantity": 3})[0] == 200
    assert ada.invoices()[-1].amount_paid == 1900
    assert ada.row()["quantity"] == 3


def test_from_monthly_to_yearly_the_preview_tells_the_new_period(ada: Subscriber) -> None:
    ada.later(days=15)
    preview = ada.post("preview", {"plan": "pro-yearly", "when": "now"})[1]
    assert (preview["charged_now_minor"], preview["next_invoice"]) == (
        49000 - 950,
        {"at": "2026-12-06T12:00:00.000Z", "amount_minor": 49000},
    )
    ada.post("change", {"plan": "pro-yearly", "when": "now"})
    assert ada.invoices()[-1].amount_paid == 48050


def test_a_promotion_code_lowers_what_is_to_come(ada: Subscriber) -> None:
    preview = ada.post("preview", {"plan": "pro-monthly", "promo": "HALF"})[1]
    assert preview["next_invoice"]["amount_minor"] == 2450
    status, _ = ada.post("change", {"plan": "pro-monthly", "promo": "HALF"})
    assert (status, ada.later(days=31).invoices()[-1].amount_paid) == (200, 2450)


def test_a_promotion_code_alone_is_a_change(ada: Subscriber) -> None:
    assert ada.post("preview", {"promo": "HALF"})[1]["direction"] == "promotion"
    assert ada.post("change", {"promo": "HALF"})[0] == 200
    assert ada.later(days=31).invoices()[-1].amount_paid == 950


def test_a_declined_upgrade_changes_nothing_and_may_be_tried_again(ada: Subscriber) -> None:
    ada.use_card("pm_card_chargeCustomerFail")
    status, problem = ada.post("change", {"plan": "pro-monthly"}, key="k1")
    assert (status, problem["code"]) == (402, "generic_decline")
    assert (ada.row()["plan"], ada.at_stripe()["items"].data[0].price.lookup_key) == ("starter-monthly",) * 2
    assert "change_intent" not in ada.row()
    ada.use_card("pm_card_visa")
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1")[0] == 200
    assert ada.row()["plan"] == "pro-monthly"


def test_a_trial_changes_at_once_and_costs_nothing(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, trial_period_days=14)
    preview = ada.post("preview", {"plan": "pro-monthly"})[1]
    assert (preview["charged_now_minor"], preview["next_invoice"]["amount_minor"]) == (0, 4900)
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 200
    assert (ada.row()["status"], ada.row()["plan"]) == ("trialing", "pro-monthly")
    assert ada.post("change", {"plan": "starter-monthly", "when": "period_end"})[0] == 409


# -- downgrades -----------------------------------------------------------------------------------


def test_a_downgrade_begins_with_the_next_period(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, plan="pro-monthly").later(days=10)
    preview = ada.post("preview", {"plan": "starter-monthly"})[1]
    assert (preview["when"], preview["effective_at"]) == ("period_end", "2025-12-21T12:00:00.000Z")
    assert (preview["charged_now_minor"], preview["next_invoice"]["amount_minor"]) == (0, 1900)
    assert ada.post("change", {"plan": "starter-monthly"})[0] == 200
    assert ada.at_stripe()["items"].data[0].price.lookup_key == "pro-monthly"
    ada.later(days=21)
    assert (ada.row()["plan"], ada.invoices()[-1].amount_paid) == ("starter-monthly", 1900)


def test_a_scheduled_downgrade_is_called_off_by_the_plan_that_holds(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, plan="pro-monthly")
    ada.post("change", {"plan": "starter-monthly"})
    assert ada.later(seconds=1).row()["scheduled_plan"] == "starter-monthly"
    assert ada.post("preview", {"plan": "pro-monthly"})[1]["direction"] == "call_off"
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 200
    assert ada.at_stripe().schedule is None
    assert ada.later(days=31).invoices()[-1].amount_paid == 4900


def test_an_upgrade_takes_the_place_of_a_scheduled_downgrade(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, plan="pro-monthly")
    ada.post("change", {"plan": "starter-monthly"})
    ada.later(seconds=1)
    assert ada.post("change", {"plan": "pro-monthly", "quantity": 2})[0] == 200
    assert (ada.at_stripe().schedule, ada.row()["quantity"]) == (None, 2)


def test_a_declined_upgrade_leaves_a_scheduled_downgrade_as_it_is(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, plan="pro-monthly")
    ada.post("change", {"plan": "starter-monthly"})
    ada.later(seconds=1).use_card("pm_card_chargeCustomerFail")
    assert ada.post("change", {"plan": "pro-monthly", "quantity": 2})[0] == 402
    ada.sync()
    assert (ada.row()["quantity"], ada.row()["scheduled_plan"]) == (1, "starter-monthly")


def test_a_downgrade_now_leaves_credit_as_its_preview_said(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world, plan="pro-monthly").later(days=15)
    preview = ada.post("preview", {"plan": "starter-monthly", "when": "now"})[1]
    assert (preview["charged_now_minor"], preview["credited_minor"]) == (0, 1500)
    assert preview["next_invoice"]["amount_minor"] == 400
    ada.post("change", {"plan": "starter-monthly", "when": "now", "priced_at": preview["priced_at"]})
    assert ada.balance() == -1500
    assert ada.later(days=16).invoices()[-1].amount_due == 400


def test_a_policy_may_refuse_a_downgrade_now(shop: Shop, world: World) -> None:
    content = policy_files.load_all()
    policies.install(content | {"changes": content["changes"] | {"downgrade_now": False}})
    ada = Subscriber(shop, world, plan="pro-monthly")
    status, problem = ada.post("change", {"plan": "starter-monthly", "when": "now"})
    assert (status, "period_end" in problem["detail"]) == (409, True)


# -- cancelling -----------------------------------------------------------------------------------


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


# -- pausing --------------------------------------------------------------------------------------


def test_a_pause_costs_nothing_and_its_credit_counts_afterwards(ada: Subscriber) -> None:
    ada.later(days=15)
    status, state = ada.post("pause", {"reason": "holidays"})
    assert (status, state["status"]) == (200, "paused")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 409
    assert [invoice.total for invoice in ada.later(days=60).invoices()] == [1900, -950]
    status, state = ada.post("resume")
    assert (status, state["status"], ada.invoices()[-1].amount_paid) == (200, "active", 950)


def test_a_resumption_that_is_not_paid_leaves_it_paused(ada: Subscriber) -> None:
    ada.later(days=15).post("pause")
    ada.use_card("pm_card_chargeCustomerFail")
    status, problem = ada.later(days=40).post("resume")
    assert (status, problem["code"]) == (402, "payment_failed")
    assert (ada.at_stripe().status, ada.invoices()[-1].status, ada.balance()) == ("paused", "void", -950)
    ada.use_card("pm_card_visa")
    assert ada.post("resume")[0] == 200
    assert ada.row()["status"] == "active"


# -- once, and one at a time ----------------------------------------------------------------------


def test_a_request_sent_twice_has_one_effect_and_another_body_is_refused(ada: Subscriber) -> None:
    first = ada.post("change", {"plan": "pro-monthly"}, key="k1")
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1") == first
    assert len(ada.invoices()) == 2
    assert ada.post("change", {"plan": "pro-yearly"}, key="k1")[0] == 409


def test_a_change_whose_answer_was_lost_is_made_once(ada: Subscriber) -> None:
    """SCENARIOS 20: one charge, whichever way the answer takes."""
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/subscriptions/{id}", "fault": "fail_after"}
    )
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1")[0] == 503
    ada.sync()  # Stripe rings before the request is sent again
    status, state = ada.post("change", {"plan": "pro-monthly"}, key="k1")
    assert (status, state["plan"]) == (200, "pro-monthly")
    assert [invoice.amount_paid for invoice in ada.invoices()] == [1900, 3000]
    assert [row["action"] for row in ada.audited()] == ["subscription.change"]


def test_an_end_whose_answer_was_lost_pays_back_once(ada: Subscriber) -> None:
    ada.later(days=15)
    ada.shop.control("POST", "/_control/faults", {"operation": "POST /v1/refunds", "fault": "fail_after"})
    body = {"when": "now", "refund": "prorated"}
    assert ada.post("cancel", body, key="k1")[0] == 503
    ada.sync()
    status, ended = ada.post("cancel", body, key="k1")
    assert (status, ended["refunded_minor"]) == (200, 950)
    charge = ada.api.payment_intents.retrieve(payment_of(ada), {"expand": ["latest_charge"]}).latest_charge
    assert charge.amount_refunded == 950


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


def lose_answers(ada: Subscriber, operation: str) -> None:
    ada.shop.control("POST", "/_control/faults", {"operation": operation, "fault": "fail_after"})


@pytest.fixture
def forget_keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on no key is one that Stripe has heard before: it keeps them for a day."""

    def forget() -> None:
        call = StripeCalls.call

        def anew(
            self: StripeCalls, method: str, path: str, params: Any = None, key: str | None = None
        ) -> Any:
            return call(self, method, path, params, key and f"{key}/forgotten")

        monkeypatch.setattr(StripeCalls, "call", anew)

    return forget


def test_a_return_whose_answer_was_lost_begins_one_subscription(
    ada: Subscriber, forget_keys: Callable[[], None]
) -> None:
    ada.post("cancel", {"when": "now"})
    lose_answers(ada, "POST /v1/subscriptions")
    assert ada.post("reactivate", key="k1")[0] == 503
    forget_keys()
    status, state = ada.post("reactivate", key="k1")
    live = [each.id for each in ada.api.subscriptions.list({"customer": ada.customer.id}).data]
    assert (status, [state["subscription_id"]]) == (200, live)


def test_a_return_that_nobody_has_heard_of_yet_stands_in_the_way_of_another(ada: Subscriber) -> None:
    ada.post("cancel", {"when": "now"})
    lose_answers(ada, "POST /v1/subscriptions")
    assert ada.post("reactivate", key="k1")[0] == 503
    ada.world.clock.advance(70)  # the lease is over, and Stripe's bell is late
    status, problem = ada.post("reactivate", key="k2")
    assert (status, "has begun" in problem["detail"]) == (409, True)
    assert len(ada.api.subscriptions.list({"customer": ada.customer.id}).data) == 1


def test_an_end_that_is_sent_again_when_its_keys_are_forgotten_pays_back_once(
    ada: Subscriber, forget_keys: Callable[[], None]
) -> None:
    ada.later(days=15).post("pause")  # 9.50 of credit
    ada.later(days=1).post("resume")  # 19.00, of which 9.50 by the card
    ada.later(seconds=1)
    body = {"when": "now", "refund": "prorated"}
    lose_answers(ada, "POST /v1/customers/{id}/balance_transactions")
    assert ada.post("cancel", body, key="k1")[0] == 503
    forget_keys()
    status, ended = ada.post("cancel", body, key="k1")
    assert (status, ended["refunded_minor"], ended["credited_minor"]) == (200, 950, 950)
    charges = ada.api.charges.list({"customer": ada.customer.id}).data
    assert (sum(each.amount_refunded for each in charges), ada.balance()) == (950, -950)


def test_an_end_is_on_record_although_its_payment_was_given_back_meanwhile(ada: Subscriber) -> None:
    ada.later(days=15)

    def operator() -> None:
        ada.api.refunds.create({"payment_intent": payment_of(ada), "amount": 1500})

    ada.world.store.meanwhile("write", operator, skip=2)  # what goes back was worked out
    status, ended = ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1")
    assert (status, ended["status"], ended["refunded_minor"]) == (200, "canceled", 0)
    assert [row["action"] for row in ada.audited()] == ["subscription.cancel"]
    assert ada.audited()[0]["after"]["refunded_minor"] == 0


def test_an_end_whose_answer_was_lost_before_it_was_kept_is_answered_the_same(ada: Subscriber) -> None:
    ada.later(days=15)
    body = {"when": "now", "refund": "prorated"}
    first = ada.post("cancel", body, key="k1")
    assert first[1]["refunded_minor"] == 950
    for row in ada.world.rows("idempotency"):  # the process was gone before it kept the answer
        ada.world.store.write(Delete("idempotency", {"id": row["id"]}))
    assert ada.post("cancel", body, key="k1") == first


def test_two_changes_at_the_same_moment_are_both_noted(ada: Subscriber) -> None:
    assert ada.post("change", {"quantity": 2})[0] == 200
    assert ada.post("change", {"quantity": 3})[0] == 200
    assert [row["action"] for row in ada.audited()] == ["subscription.change"] * 2


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize(
    ("operation", "action", "body"),
    [
        ("POST /v1/subscriptions/{id}", "change", {"plan": "pro-monthly"}),
        ("DELETE /v1/subscriptions/{id}", "cancel", {"when": "now", "refund": "full"}),
        ("POST /v1/refunds", "cancel", {"when": "now", "refund": "full"}),
        ("POST /v1/subscriptions", "reactivate", {}),
    ],
)
def test_a_failure_that_stripe_keeps_under_a_key_costs_one_more_try(
    ada: Subscriber, operation: str, action: str, body: dict[str, Any], effect: bool
) -> None:
    if action == "reactivate":
        ada.post("cancel", {"when": "now"})
    fault = {"operation": operation, "fault": "500", "effect": effect}
    ada.shop.control("POST", "/_control/faults", fault)
    answers = [ada.post(action, body, key="k1")[0] for _ in range(3)]
    assert answers in ([503, 503, 200], [503, 200, 200])
    charges = ada.api.charges.list({"customer": ada.customer.id}).data
    paid, back = sum(each.amount for each in charges), sum(each.amount_refunded for each in charges)
    assert (paid, back) == {"change": (4900, 0), "cancel": (1900, 1900), "reactivate": (3800, 0)}[action]


def test_of_two_changes_at_once_one_wins_and_the_other_is_told_how_it_stands(ada: Subscriber) -> None:
    answers: list[tuple[int, dict[str, Any]]] = []

    def other() -> None:
        answers.append(ada.post("change", {"plan": "pro-yearly", "when": "now"}, key="other"))

    # between reading how it stands and taking the lease (the first write keeps the Idempotency-Key)
    ada.world.store.meanwhile("write", other, skip=1)
    status, problem = ada.post("change", {"plan": "pro-monthly"}, key="mine", subject="grace")
    assert (answers[0][0], status) == (200, 409)
    assert problem["subscription"]["plan"] == "pro-yearly"
    assert [invoice.amount_paid for invoice in ada.invoices()] == [1900, 47100]


def test_what_sync_writes_in_between_is_no_other_change(ada: Subscriber) -> None:
    """The bell of the change before rings while the next one begins: the customer need not send it again."""
    key = {"subscription_id": ada.row()["subscription_id"]}

    def sync() -> None:
        ada.world.store.inner.write(Update("subscriptions", key, add={"version": 1}))

    ada.world.store.meanwhile("write", sync, skip=1)
    status, changed = ada.post("change", {"plan": "pro-monthly"}, key="mine")
    assert (status, changed["plan"]) == (200, "pro-monthly")
    assert len(ada.invoices()) == 2


def test_a_change_under_way_keeps_others_out_until_its_lease_is_over(ada: Subscriber) -> None:
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/subscriptions/{id}", "fault": "fail_before"}
    )
    assert ada.post("change", {"plan": "pro-monthly"}, key="mine")[0] == 503
    assert ada.post("change", {"plan": "pro-yearly"}, key="other")[0] == 409
    ada.later(seconds=61)
    assert ada.post("change", {"plan": "pro-yearly", "when": "now"}, key="other")[0] == 200


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "body", "status", "field"),
    [
        ("change", {}, 409, None),
        ("change", {"plan": "starter-monthly"}, 409, None),
        ("change", {"plan": "platinum"}, 400, "plan"),
        ("change", {"plan": "beta"}, 400, "plan"),
        ("change", {"plan": "pro-monthly", "promo": "NOPE"}, 400, "promo"),
        ("change", {"plan": "pro-monthly", "quantity": 0}, 400, "quantity"),
        ("change", {"plan": "pro-monthly", "quantity": 10_001}, 400, "quantity"),
        ("change", {"plan": "pro-monthly", "when": "tomorrow"}, 400, "when"),
        ("change", {"plan": "pro-monthly", "priced_at": "2025-11-21T09:00:00Z"}, 400, "priced_at"),
        ("change", {"plan": "pro-monthly", "priced_at": "noon"}, 400, "priced_at"),
        ("cancel", {"when": "period_end", "refund": "full"}, 400, "refund"),
        ("cancel", {"when": "now", "refund": "double"}, 400, "refund"),
        ("preview", {"plan": "pro-monthly", "cancel": {}}, 400, "cancel"),
        ("reactivate", {}, 409, None),
        ("resume", {}, 409, None),
    ],
)
def test_what_cannot_be_is_a_problem_that_says_what_to_do(
    ada: Subscriber, action: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    calls = len(ada.invoices())
    answered, problem = ada.post(action, body)
    assert answered == status, problem
    assert field is None or [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"]
    assert (len(ada.invoices()), ada.audited()) == (calls, [])


def test_a_plan_that_is_not_sold_in_the_subscriptions_currency_is_refused(ada: Subscriber) -> None:
    noted(ada, currency="gbp")
    status, problem = ada.post("change", {"plan": "pro-monthly"})
    assert (status, problem["errors"][0]["field"]) == (400, "plan")
    assert "gbp" in problem["errors"][0]["message"]


def test_an_account_without_a_subscription_is_sent_to_the_checkout(shop: Shop, world: World) -> None:
    ada = Subscriber(shop, world)
    noted(ada, status="incomplete_expired")
    status, problem = ada.post("preview", {"plan": "pro-monthly"})
    assert (status, "/v1/checkouts" in problem["detail"]) == (409, True)
    ada.account_id = "acc_none"
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 404


def test_every_change_is_audited_with_before_and_after(ada: Subscriber) -> None:
    ada.post("change", {"plan": "pro-monthly"}, subject="grace")
    ada.post("cancel", {"when": "now", "refund": "full", "reason": "closing down"}, subject="alan")
    rows = {row["action"]: row for row in ada.audited()}
    change, end = rows["subscription.change"], rows["subscription.cancel"]
    assert (change["actor"], change["before"]["plan"], change["after"]["plan"]) == (
        "grace",
        "starter-monthly",
        "pro-monthly",
    )
    assert (end["actor"], end["reason"], end["after"]["refunded_minor"]) == ("alan", "closing down", 4900)


def test_every_path_tells_its_events(ada: Subscriber) -> None:
    ada.later(days=5).post("change", {"plan": "pro-monthly"})
    assert told(ada) == {"upgraded", "prorated_charge", "mrr.changed"}
    ada.later(seconds=1).post("change", {"plan": "starter-monthly"})
    assert told(ada) == {"change_scheduled"}
    ada.later(seconds=1).post("change", {"plan": "pro-monthly"})
    assert told(ada) == {"change_scheduled"}
    ada.later(seconds=1).post("cancel", {"when": "period_end"})
    assert told(ada) == {"cancel_scheduled"}
    ada.later(seconds=1).post("reactivate")
    assert told(ada) == {"reactivated"}
    ada.later(seconds=1).post("pause")
    assert told(ada) == {"paused", "prorated_charge", "mrr.changed"}
    ada.later(days=3).post("resume")
    assert told(ada) == {"resumed", "activated", "mrr.changed"}
    ada.later(seconds=1).post("change", {"plan": "starter-monthly", "when": "now"})
    assert told(ada) == {"downgraded", "prorated_charge", "mrr.changed"}
    ada.later(seconds=1).post("cancel", {"when": "now", "refund": "full"})
    assert told(ada) == {"canceled", "mrr.changed"}
    ada.later(seconds=1).post("reactivate")
    assert told(ada) == {"created", "activated", "reactivated", "mrr.changed"}


def told(ada: Subscriber) -> set[str]:
    """What was told of the subscription and of MRR since the last look."""
    events = ada.world.events(ada.account_id)[ada.seen :]
    ada.seen += len(events)
    names = {event.removeprefix("subscription.") for event in events}
    return {name for name in names if "." not in name or name.startswith("mrr.")}


def noted(ada: Subscriber, **values: Any) -> None:
    """Our copy says something else."""
    ada.world.store.write(Update("subscriptions", {"subscription_id": ada.id}, set=values))


def payment_of(ada: Subscriber) -> str:
    payments = ada.api.invoice_payments.list({"invoice": ada.invoices()[0].id}).data
    return str(payments[0].payment.payment_intent)
