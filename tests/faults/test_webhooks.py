"""Scenarios 6, 14, 15, 18, 21: Stripe's events come twice, late, in disorder, early or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import census
from tests.faults.world import World, opened
from usher.ports.queue import Message

SEEDS = [11, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(12, 20))]


@pytest.fixture(params=SEEDS, ids="seed-{}".format)
def unruly(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world whose Stripe doubles half of its deliveries and holds back half of them, by seed."""
    options = {"duplicates": 0.5, "reordering": 0.5}
    with opened(tmp_path, seed=request.param, stripe=options) as world:
        yield world


def account(world: World) -> str:
    [row] = world.rows("accounts")
    return str(row["account_id"])


def in_step(world: World) -> census.Census:
    """The census once all is quiet; our billing records are Stripe's, and nothing is left over."""
    world.settle()
    found = census.of(world)
    found.billing_equals_stripes()
    found.nothing_is_pending()
    return found


def test_doubled_and_disordered_events_leave_one_story(unruly: World) -> None:
    unruly.sign_up("ada")
    unruly.sign_up("bo", plan="starter-monthly", trial=True)
    in_step(unruly).active(people=2, paid=1, cards=2)
    with unruly.vendors.stripe() as stripe:
        for subscription in stripe.subscriptions.list().data:
            stripe.subscriptions.update(subscription.id, {"metadata": {"note": "one"}})
            stripe.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
            stripe.subscriptions.cancel(subscription.id)
    found = in_step(unruly)
    for row in unruly.rows("accounts"):
        assert found.events(row["account_id"]).count("subscription.canceled") == 1
        assert found.events(row["account_id"]).count("invoice.generated") == 1


def test_events_that_arrive_before_our_own_call_returns_bring_no_wrong_defaults(world: World) -> None:
    """The answer to each Stripe write is held back until its webhooks are long delivered."""
    for operation in ("POST /v1/customers", "POST /v1/subscriptions"):
        world.vendors.fault("stripe", operation, "delay", seconds=0.4)
    world.sign_up()
    world.settle()
    census.of(world).active()
    [subscription] = world.rows("subscriptions")
    assert (subscription["plan"], subscription["status"]) == ("pro-monthly", "active")


def test_what_happened_while_usher_was_down_is_delivered_when_it_is_back(world: World) -> None:
    world.sign_up()
    world.settle()
    world.stop()
    with world.vendors.stripe() as stripe:
        [subscription] = stripe.subscriptions.list().data
        stripe.subscriptions.cancel(subscription.id)
    assert world.vendors.owed_webhooks() > 0
    world.start()
    assert in_step(world).events(account(world)).count("subscription.canceled") == 1


def test_a_trial_that_ends_is_told_once(world: World) -> None:
    """Stripe's clock passes the end of the trial: the first invoice is paid, and the subscription goes on."""
    world.sign_up(plan="starter-monthly", trial=True)
    world.settle()
    assert world.rows("subscriptions")[0]["status"] == "trialing"
    [held] = world.vendors.objects()["stripe"]["subscription"]
    world.vendors.control("stripe", "POST", "clock", {"now": held["trial_end"] + 2 * 3600})
    events = in_step(world).events(account(world))
    assert world.rows("subscriptions")[0]["status"] == "active"
    assert events.count("subscription.activated") == 1
    assert events.count("payment.succeeded") == 1


def test_a_change_made_at_stripe_is_in_our_records_within_seconds(tmp_path: Path) -> None:
    """In real time, because that is what is promised."""
    with opened(tmp_path, skipping=False) as world:
        world.sign_up()
        world.settle()
        with world.vendors.stripe() as stripe:
            [subscription] = stripe.subscriptions.list().data
            stripe.subscriptions.cancel(subscription.id)
        found = in_step(world)
        [record] = world.rows("subscriptions")
        assert record["status"] == "canceled"
        assert found.events(account(world)).count("subscription.canceled") == 1


def test_an_event_of_an_unknown_customer_is_parked_with_its_reason(world: World) -> None:
    with world.vendors.stripe() as stripe:
        stranger = stripe.customers.create({"email": "stranger@example.com"})
    world.settle()
    [parked] = [row for row in world.rows("inbox") if row["state"] == "parked"]
    assert parked["object_id"] == stranger.id
    assert parked["reason"] == f"no account of ours belongs to customer {stranger.id}"
    assert world.rows("accounts") == []


def test_a_handler_that_fails_leaves_the_event_unprocessed_and_it_is_tried_again(world: World) -> None:
    world.sign_up()
    world.settle()
    world.vendors.fault("stripe", "GET /v1/subscriptions/{id}", "500", count=2)
    with world.vendors.stripe() as stripe:
        [subscription] = stripe.subscriptions.list().data
        stripe.subscriptions.cancel(subscription.id)
    assert in_step(world).events(account(world)).count("subscription.canceled") == 1
    assert world.vendors.struck("stripe") == 2


def test_a_poison_message_hurts_only_itself_and_can_be_replayed(world: World) -> None:
    """Stripe refuses to tell of one customer: its event is listed as a failure, its neighbour is done."""
    world.sign_up("ada")
    world.sign_up("bo")
    world.settle()
    with world.vendors.stripe() as stripe:
        poisoned, healthy = stripe.subscriptions.list().data
        world.vendors.fault("stripe", "GET /v1/subscriptions/{id}", "400", count=None)
        stripe.subscriptions.update(poisoned.id, {"cancel_at_period_end": True})
        world.settle()
        world.vendors.heal("stripe")
        stripe.subscriptions.cancel(healthy.id)
    world.settle()
    letters = [row for row in world.rows("failures") if row["kind"] == "message"]
    assert {row["group"] for row in letters} == {poisoned.customer}
    held = {row["subscription_id"]: row for row in world.rows("subscriptions")}
    assert held[healthy.id]["status"] == "canceled"
    for row in letters:
        path = f"/v1/failures/{row['failure_id']}/redrive"
        assert world.call("POST", path, {"reason": "Stripe answers again"})[0] == 202
    world.settle()
    in_step(world)


def test_a_message_that_no_version_understands_goes_to_the_dead_letters_alone(world: World) -> None:
    world.usher.queue.send("signups", [Message({"nonsense": True})])
    world.sign_up()
    world.settle()
    census.of(world).active()
    [row] = world.rows("failures")
    assert (row["kind"], row["subject"]) == ("message", "signups")
