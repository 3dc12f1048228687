"""Changes for later at the Stripe stand-in: schedules, pauses, cancellations, and credit that waits."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_running import DAY, Running, amounts, moment
from tests.contract.stripe_shop import Shop, opened_shop

START, MAY = moment(2026, 4, 1), moment(2026, 5, 1)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def scheduled(running: Running, price: str, **more: Any) -> Any:
    """The subscription becomes `price` at the end of its period."""
    api, now = running.api, running.now()
    made = api.subscription_schedules.create({"from_subscription": running.id})
    first = made.phases[0]
    current = {"items": [{"price": now["items"].data[0].price.id, "quantity": 1}]}
    current |= {"start_date": first.start_date, "end_date": first.end_date}
    later = {"items": [{"price": price}], "duration": {"interval": "month"}, "proration_behavior": "none"}
    order = {"phases": [current, later | more], "end_behavior": "release"}
    return api.subscription_schedules.update(made.id, order)


def test_a_downgrade_waits_for_the_end_of_the_period(shop: Shop) -> None:
    running = Running(shop, START, 3000).at(START + 10 * DAY)
    price = running.price(1000)
    schedule = scheduled(running, price)
    assert (running.now().schedule, running.now()["items"].data[0].price.unit_amount) == (schedule.id, 3000)
    assert amounts(running.preview()) == [1000]
    renewed = running.at(MAY + 2 * 3600).invoices()[-1]
    assert (amounts(renewed), renewed.amount_paid) == ([1000], 1000)
    running.at(moment(2026, 6, 1, 2))
    done = shop.api.subscription_schedules.retrieve(schedule.id)
    assert (done.status, running.now().schedule) == ("completed", None)
    assert [invoice.amount_paid for invoice in running.invoices()] == [3000, 1000, 1000]


def test_a_scheduled_change_of_interval_begins_a_new_cycle(shop: Shop) -> None:
    running = Running(shop, START, 1000).at(START + 10 * DAY)
    scheduled(running, running.price(10000, "year"), duration={"interval": "year"})
    running.at(MAY + 2 * 3600)
    assert running.invoices()[-1].amount_paid == 10000
    item = running.now()["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (MAY, moment(2027, 5, 1))


def test_a_released_schedule_changes_nothing_any_more(shop: Shop) -> None:
    running = Running(shop, START, 3000)
    schedule = scheduled(running, running.price(1000))
    released = shop.api.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription, running.now().schedule) == (
        "released",
        running.id,
        None,
    )
    assert running.at(MAY + 2 * 3600).invoices()[-1].amount_paid == 3000


def test_a_scheduled_subscription_is_neither_cancelled_nor_paused_beside_its_schedule(shop: Shop) -> None:
    running = Running(shop, START, 3000)
    schedule = scheduled(running, running.price(1000))
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        shop.api.subscriptions.update(running.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="schedule"):
        shop.api.subscriptions.pause(running.id)
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        shop.api.subscription_schedules.create({"from_subscription": running.id})
    shop.api.subscriptions.cancel(running.id)
    assert shop.api.subscription_schedules.retrieve(schedule.id).status == "canceled"


def test_a_phase_that_begins_inside_a_period_is_prorated(shop: Shop) -> None:
    running = Running(shop, START, 1000)
    api, price = running.api, running.price(2000)
    made = api.subscription_schedules.create({"from_subscription": running.id})
    items = [{"price": running.now()["items"].data[0].price.id, "quantity": 1}]
    first = {"items": items, "start_date": START, "end_date": START + 15 * DAY}
    second = {"items": [{"price": price}], "end_date": MAY, "proration_behavior": "always_invoice"}
    api.subscription_schedules.update(made.id, {"phases": [first, second]})
    assert amounts(running.at(START + 16 * DAY).invoices()[-1]) == [-500, 1000]


# -- cancelling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "balance", "invoices"),
    [
        ({}, 0, 1),
        ({"prorate": True, "invoice_now": True}, -1500, 2),
        ({"prorate": True}, 0, 1),  # the credit stays pending
    ],
)
def test_what_is_left_of_the_period_is_credited_on_demand(
    shop: Shop, how: dict[str, Any], balance: int, invoices: int
) -> None:
    running = Running(shop, START, 3000).at(START + 15 * DAY)
    assert shop.api.subscriptions.cancel(running.id, how).status == "canceled"
    assert (running.balance(), len(running.invoices())) == (balance, invoices)
    pending = shop.api.invoice_items.list({"customer": running.customer.id, "pending": True}).data
    assert [item.amount for item in pending] == ([-1500] if how == {"prorate": True} else [])


def test_a_preview_of_a_cancellation_is_what_it_credits(shop: Shop) -> None:
    running = Running(shop, START, 3000).at(START + 7 * DAY + 99)
    preview = running.preview(cancel_now=True)
    running.api.subscriptions.cancel(running.id, {"prorate": True, "invoice_now": True})
    assert running.invoices()[-1].total == preview.total == running.balance()
    assert running.now().status == "canceled"


def test_a_cancellation_at_the_end_can_be_undone(shop: Shop) -> None:
    running = Running(shop, START, 3000)
    running.api.subscriptions.update(running.id, {"cancel_at_period_end": True})
    undone = running.api.subscriptions.update(running.id, {"cancel_at_period_end": False})
    assert (undone.cancel_at, undone.canceled_at) == (None, None)
    assert running.at(MAY + 2 * 3600).now().status == "active"


# -- pausing --------------------------------------------------------------------------------------


def test_a_paused_subscription_is_not_billed_and_its_credit_counts_when_it_goes_on(shop: Shop) -> None:
    running = Running(shop, START, 3000).at(START + 15 * DAY)
    paused = shop.api.subscriptions.pause(running.id)
    assert (paused.status, paused.status_details.paused.subscription.type) == ("paused", "pause_requested")
    assert paused["items"].data[0].current_period_end == START + 15 * DAY
    assert len(running.at(MAY + 40 * DAY).invoices()) == 1
    resumed = shop.api.subscriptions.resume(running.id, {"expand": ["latest_invoice"]})
    assert (resumed.status, amounts(resumed.latest_invoice)) == ("active", [-1500, 3000])
    assert resumed["items"].data[0].current_period_start == MAY + 40 * DAY
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(running.events())


def test_a_pause_may_give_nothing_back_and_keep_the_billing_date(shop: Shop) -> None:
    running = Running(shop, START, 3000).at(START + 10 * DAY)
    shop.api.subscriptions.pause(running.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    running.at(START + 20 * DAY)
    kept = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
    resumed = shop.api.subscriptions.resume(running.id, kept)
    assert (resumed.status, resumed["items"].data[0].current_period_end) == ("active", MAY)
    assert [invoice.total for invoice in running.at(MAY + 2 * 3600).invoices()] == [3000, 3000]


def test_what_remains_of_the_period_is_charged_when_the_billing_date_stays(shop: Shop) -> None:
    running = Running(shop, START, 3000).at(START + 10 * DAY)
    shop.api.subscriptions.pause(running.id)
    kept = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "always_invoice"}
    running.at(START + 20 * DAY).api.subscriptions.resume(running.id, kept)
    assert amounts(running.invoices()[-1]) == [-2000, 1000]


def test_a_trial_cannot_be_paused(shop: Shop) -> None:
    running = Running(shop, START, 3000, trial_period_days=7)
    with pytest.raises(stripe.InvalidRequestError, match="trialing"):
        shop.api.subscriptions.pause(running.id)


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")],
)
def test_collection_is_paused_until_it_goes_on(shop: Shop, behavior: str, status: str) -> None:
    running = Running(shop, START, 3000)
    pause = {"behavior": behavior, "resumes_at": MAY + 10 * DAY}
    running.api.subscriptions.update(running.id, {"pause_collection": pause})
    assert running.at(MAY + 2 * 3600).invoices()[-1].status == status
    assert running.now().status == "active"
    assert running.at(moment(2026, 6, 1, 2)).invoices()[-1].status == "paid"
    assert running.now().pause_collection is None


# -- the credit balance ---------------------------------------------------------------------------


def test_credit_given_by_hand_is_used_and_comes_back_from_a_void_invoice(shop: Shop) -> None:
    running = Running(shop, START, 3000)
    given = {"amount": -1000, "currency": "usd", "description": "Sorry"}
    made = shop.api.customers.balance_transactions.create(running.customer.id, given)
    assert (made.type, made.ending_balance) == ("adjustment", -1000)
    card = shop.api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": running.customer.id})
    shop.api.subscriptions.update(running.id, {"default_payment_method": card.id})
    late = running.at(MAY + 2 * 3600).invoices()[-1]
    assert (late.total, late.amount_due, late.status, running.balance()) == (3000, 2000, "open", 0)
    shop.api.invoices.void_invoice(late.id)
    assert running.balance() == -1000


def test_an_invoice_item_waits_for_the_next_invoice(shop: Shop) -> None:
    running = Running(shop, START, 3000)
    extra = {"customer": running.customer.id, "amount": 700, "currency": "usd", "description": "Set-up"}
    shop.api.invoice_items.create(extra)
    gone = shop.api.invoice_items.create(extra)
    shop.api.invoice_items.delete(gone.id)
    assert amounts(running.at(MAY + 2 * 3600).invoices()[-1]) == [700, 3000]
