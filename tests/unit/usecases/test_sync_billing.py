"""Sync: whatever order, number and age the events have, records end equal to the vendor's, told of once.

Row A2 of docs/product.md.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.steps import run_until
from tests.fakes.syncing import (
    CREATED,
    CUSTOMER,
    INVOICE,
    PARKED,
    PAYMENT,
    SUBSCRIPTION,
    TABLES,
    arrived,
    records,
    subscriber,
    sync,
    told,
)
from tests.fakes.world import World
from usher.domain.errors import NotYet
from usher.records.signups import Signup


@pytest.fixture
def signup(world: World) -> Signup:
    return subscriber(world)


def test_one_look_records_the_subscription_with_its_invoice_and_payment(world: World, signup: Signup) -> None:
    assert sync(world, arrived(SUBSCRIPTION)) == {"stripe#evt_1": "synced"}
    assert [len(world.rows(table)) for table in TABLES] == [1, 1, 1]
    assert told(world, signup) == CREATED
    assert world.inbox.get("stripe#evt_1")["state"] == "done"  # type: ignore[index]  # it is there


def test_many_events_of_one_customer_are_one_look(world: World, signup: Signup) -> None:
    events = arrived(INVOICE, PAYMENT, SUBSCRIPTION, INVOICE, SUBSCRIPTION, SUBSCRIPTION)
    assert set(sync(world, events).values()) == {"synced"}
    assert sum(world.billing.calls.values()) == 1
    assert told(world, signup) == CREATED


@pytest.mark.parametrize("order", list(itertools.permutations([SUBSCRIPTION, INVOICE, PAYMENT])))
def test_three_events_in_any_order_end_in_the_same_records_and_tell_once(
    world: World, signup: Signup, order: Sequence[dict[str, Any]]
) -> None:
    for event_id in arrived(*order):
        sync(world, [event_id])
    assert sorted(told(world, signup)) == sorted(CREATED)
    assert len(told(world, signup)) == len(set(told(world, signup)))
    statuses = [world.rows(table)[0]["status"] for table in TABLES]
    assert statuses == ["active", "paid", "succeeded"]
    assert {world.rows(table)[0]["account_id"] for table in TABLES} == {signup.account_id}


CHECKOUT = {"id": "cs_1", "object": "checkout.session", "customer": "cus_0001"}


@pytest.mark.parametrize("order", list(itertools.permutations([CHECKOUT, SUBSCRIPTION, INVOICE])))
def test_a_checkout_its_subscription_and_its_paid_invoice_in_any_order_begin_one_subscription(
    world: World, signup: Signup, order: Sequence[dict[str, Any]]
) -> None:
    for event_id in arrived(*order):
        assert sync(world, [event_id]) == {event_id: "synced"}
    assert told(world, signup).count("subscription.activated") == 1
    assert told(world, signup).count("mrr.changed") == 1
    assert [len(world.rows(table)) for table in TABLES] == [1, 1, 1]


def test_two_events_of_one_second_both_count(world: World, signup: Signup) -> None:
    """Neither's time says which came later, so neither's content is believed."""
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("sub_0001", quantity=2)
    (first,) = arrived(SUBSCRIPTION, first=2, created=1_700_000_000)
    sync(world, [first])
    world.billing.change("sub_0001", quantity=3)
    (second,) = arrived(SUBSCRIPTION, first=3, created=1_700_000_000)
    sync(world, [second])
    assert world.rows("subscriptions")[0]["quantity"] == 3
    assert told(world, signup)[len(CREATED) :] == ["subscription.upgraded", "mrr.changed"] * 2


def test_a_trial_s_paid_invoice_over_nothing_leaves_it_a_trial_that_brings_nothing(world: World) -> None:
    signup = run_until(world, "create_subscription", world.given_signup(trial=True, trial_days=14))
    sync(world, arrived(INVOICE, type="invoice.paid"))
    assert world.rows("subscriptions")[0]["status"] == "trialing"
    assert "mrr.changed" not in told(world, signup)
    assert world.rows("mrr") == []


def test_a_worker_that_dies_after_taking_an_event_leaves_it_to_the_next_delivery(
    world: World, signup: Signup
) -> None:
    (event_id,) = arrived(SUBSCRIPTION)
    world.queue.take()  # and nobody ever heard of that worker again
    assert arrived(SUBSCRIPTION) == [event_id]
    ((_, message),) = world.queue.take()
    assert sync(world, [message.body["event_id"]]) == {event_id: "synced"}
    assert told(world, signup) == CREATED


def test_an_event_of_an_update_before_that_of_the_creation_changes_nothing(
    world: World, signup: Signup
) -> None:
    world.billing.change("sub_0001", status="past_due")
    updated, created = arrived(SUBSCRIPTION, SUBSCRIPTION)
    sync(world, [updated])
    after_update = records(world)
    sync(world, [created])
    assert records(world) == after_update
    assert world.rows("subscriptions")[0]["status"] == "past_due"
    assert told(world, signup).count("subscription.created") == 1


def test_an_event_that_comes_twice_is_done_once(world: World, signup: Signup) -> None:
    (event_id,) = arrived(SUBSCRIPTION)
    sync(world, [event_id])
    looks = sum(world.billing.calls.values())
    assert sync(world, [event_id, event_id]) == {event_id: "done"}
    assert sum(world.billing.calls.values()) == looks
    assert told(world, signup) == CREATED


def test_an_event_that_was_never_stored_is_nothing_to_do(world: World, signup: Signup) -> None:
    assert sync(world, ["stripe#evt_unknown"]) == {"stripe#evt_unknown": "done"}
    assert world.rows("inbox") == []


def test_each_change_is_told_once_and_each_look_is_a_new_version(world: World, signup: Signup) -> None:
    for number, status in enumerate(["active", "past_due", "past_due", "active", "canceled"], start=1):
        world.billing.change("sub_0001", status=status)
        sync(world, arrived(SUBSCRIPTION, first=number))
    assert told(world, signup)[len(CREATED) :] == [
        "subscription.payment_failed",
        "subscription.payment_recovered",
        "subscription.activated",
        "subscription.canceled",
        "mrr.changed",
    ]
    assert world.rows("subscriptions")[0]["version"] == 5  # each look that was recorded, change or not


def test_since_when_a_payment_is_late_is_kept_until_it_is_not(world: World, signup: Signup) -> None:
    since: list[str | None] = []
    for number, status in enumerate(["active", "past_due", "past_due", "active"], start=1):
        world.clock.advance(60)  # within what signatures tolerate
        world.billing.change("sub_0001", status=status)
        sync(world, arrived(SUBSCRIPTION, first=number))
        since.append(world.rows("subscriptions")[0].get("past_due_since"))
    assert since == [None, "2025-11-21T12:02:00.000Z", "2025-11-21T12:02:00.000Z", None]


def test_a_field_that_the_vendor_took_away_is_gone(world: World, signup: Signup) -> None:
    world.billing.change("pi_0001", status="failed", failure_code="card_declined", failure_reason="No.")
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("pi_0001", status="succeeded", failure_code=None, failure_reason=None)
    sync(world, arrived(PAYMENT, first=2))
    (payment,) = world.rows("payments")
    assert payment["status"] == "succeeded"
    assert "failure_code" not in payment


def test_a_cancellation_that_was_taken_back_is_seen(world: World, signup: Signup) -> None:
    """Nothing but a field that is absent again tells of it."""
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("sub_0001", canceled_at=world.clock.now(), cancel_at_period_end=True)
    sync(world, arrived(SUBSCRIPTION, first=2))
    assert "canceled_at" in world.rows("subscriptions")[0]
    world.billing.change("sub_0001", canceled_at=None)
    sync(world, arrived(SUBSCRIPTION, first=3))
    assert "canceled_at" not in world.rows("subscriptions")[0]


def test_an_object_that_is_gone_at_the_vendor_changes_no_record(world: World, signup: Signup) -> None:
    sync(world, arrived(SUBSCRIPTION))
    kept = records(world)
    world.billing.subscriptions.clear()
    assert sync(world, arrived(SUBSCRIPTION, first=2)) == {"stripe#evt_2": "synced"}
    assert records(world) == kept


@pytest.mark.parametrize("object", [CUSTOMER, SUBSCRIPTION, INVOICE, PAYMENT])
def test_what_the_vendor_has_nothing_of_is_parked_when_its_customer_is_a_stranger(
    world: World, signup: Signup, object: dict[str, Any]
) -> None:
    """Somebody may have to know: the event of another account, or of a customer that is no more."""
    PARKED.clear()
    stranger = {**object, "id": "cus_stranger" if object is CUSTOMER else "x_gone"}
    if object is not CUSTOMER:
        stranger["customer"] = "cus_stranger"
    (event_id,) = arrived(stranger, first=7)
    assert sync(world, [event_id]) == {event_id: "parked"}
    ((_, _, reason),) = PARKED
    assert "no account of ours belongs to" in reason


@pytest.mark.parametrize("kind", ["payout", "payment_link", "radar.early_fraud_warning"])
def test_a_kind_we_do_not_follow_is_stored_and_ignored(world: World, signup: Signup, kind: str) -> None:
    events = arrived({"id": "x_1", "object": kind, "customer": "cus_0001"})
    assert sync(world, events) == {"stripe#evt_1": "ignored"}
    assert world.rows("inbox")[0]["state"] == "done"
    assert sum(world.billing.calls.values()) == 0


def test_a_checkout_that_no_link_of_ours_opened_changes_nothing(world: World, signup: Signup) -> None:
    events = arrived({"id": "cs_1", "object": "checkout.session", "customer": "cus_0001"})
    assert sync(world, events) == {"stripe#evt_1": "synced"}
    assert world.rows("inbox")[0]["state"] == "done"
    assert [world.rows(table) for table in TABLES] == [[], [], []]


def test_an_upcoming_invoice_has_no_id_to_look_for(world: World, signup: Signup) -> None:
    assert sync(world, arrived({"object": "invoice", "customer": "cus_0001"})) == {"stripe#evt_1": "ignored"}


# -- what is sold -------------------------------------------------------------------------------------------


PRICE = {"id": "price_1", "object": "price"}


def test_prices_and_products_are_looked_at_as_one_catalog(world: World) -> None:
    events = arrived(PRICE, {"id": "usher_pro", "object": "product"}, type="price.updated")
    assert {row["group"] for row in world.rows("inbox")} == {"catalog"}
    assert set(sync(world, events).values()) == {"synced"}
    assert {row["state"] for row in world.rows("inbox")} == {"done"}


def test_a_catalog_that_is_being_changed_is_looked_at_again_and_one_that_stays_different_is_reported(
    world: World,
) -> None:
    PARKED.clear()
    (event_id,) = arrived(PRICE, type="price.updated")
    with pytest.raises(NotYet):
        sync(world, [event_id], drift="price pro-monthly: amount is '5900' there")
    world.clock.advance(121)
    assert sync(world, [event_id], drift="price pro-monthly: amount is '5900' there") == {event_id: "parked"}
    ((_, _, reason),) = PARKED
    assert "pro-monthly" in reason
    assert sync(world, [event_id]) == {event_id: "synced"}  # mended, and redriven
