"""Changing a subscription through the API, with the real adapters at the Stripe stand-in (C4)."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra import policy_files
from tests.contract.stripe_shop import Shop
from tests.contract.subscriber import Subscriber, noted, stocked_shop, told
from tests.fakes.world import World, world
from usher.bootstrap import policies

__all__ = ["world"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with stocked_shop() as opened:
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
