"""Changes of running subscriptions at the Stripe stand-in, to the cent as Stripe documents them.

"Prorations page" is docs.stripe.com/billing/subscriptions/prorations.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_running import DAY, Running, amounts, moment
from tests.contract.stripe_shop import Shop, opened_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


# -- worked examples of Stripe's documentation ----------------------------------------------------


def test_an_upgrade_halfway_costs_half_of_the_difference(shop: Shop) -> None:
    """Prorations page, "How prorations work": 10 to 20 USD halfway bills -5 and 10."""
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 15 * DAY)
    invoice = running.to(running.price(2000))
    assert (amounts(invoice), invoice.amount_paid, invoice.status) == ([-500, 1000], 500, "paid")
    credit = invoice.lines.data[0].parent.subscription_item_details
    assert credit.proration_details.credited_items.invoice == running.invoices()[0].id
    assert invoice.lines.data[0].description == "Unused time on Plan 1000"


def test_the_preview_of_the_documentation(shop: Shop) -> None:
    """Prorations page, "Preview a proration": its response, second for second."""
    running = Running(shop, 1596749288, 1000).at(1598982148)
    gold = running.price(3252)
    items = [{"id": running.item(), "price": gold}]
    preview = running.preview(items=items, proration_date=1598982148)
    assert amounts(preview) == [-166, 541, 3252]
    assert (preview.subtotal, preview.amount_due, preview.period_end) == (3627, 3627, preview.created)
    periods = [(line.period.start, line.period.end) for line in preview.lines.data]
    assert periods == [(1598982148, 1599427688)] * 2 + [(1599427688, 1602019688)]
    running.to(gold, "create_prorations", proration_date=1598982148)
    renewed = running.at(1599427688 + 2 * 3600).invoices()[-1]
    assert (amounts(renewed), renewed.amount_paid) == ([-166, 541, 3252], 3627)


def test_a_credit_comes_from_what_was_billed_not_from_the_current_price(shop: Shop) -> None:
    """Prorations page, "Calculation logic with no prorations", column Flexible."""
    running = Running(shop, moment(2026, 4, 1), 1000).at(moment(2026, 4, 11))
    running.to(running.price(2000), "none")
    assert len(running.invoices()) == 1
    back = running.at(moment(2026, 4, 21)).to(running.price(1000))
    assert (amounts(back), back.total) == ([-333, 333], 0)


def test_a_discount_is_given_back_with_the_item_it_was_taken_off(shop: Shop) -> None:
    """Prorations page, "Calculation logic for coupons applied to multiple subscription items"."""
    coupon = shop.api.coupons.create({"amount_off": 500, "currency": "usd", "duration": "forever"}).id
    running = Running(shop, moment(2026, 2, 1), 1000, 2000, discounts=[{"coupon": coupon}])
    first = running.invoices()[0]
    assert [line.discount_amounts[0].amount for line in first.lines.data] == [166, 334]
    running.at(moment(2026, 2, 15))
    change = {"items": [{"id": running.item(), "deleted": True}], "proration_behavior": "always_invoice"}
    shop.api.subscriptions.update(running.id, change)
    assert running.invoices()[-1].total == -417
    assert running.balance() == -417


def test_a_change_is_settled_with_the_next_renewal(shop: Shop) -> None:
    """docs.stripe.com/api/subscriptions/update: 100 on 1 May, 200 from the middle: 250 on 1 June."""
    running = Running(shop, moment(2026, 5, 1), 10000).at(moment(2026, 5, 16, 12))
    running.to(running.price(20000), "create_prorations")
    renewed = running.at(moment(2026, 6, 1, 2)).invoices()[-1]
    assert (amounts(renewed), renewed.amount_paid) == ([-5000, 10000, 20000], 25000)


# -- beyond the examples --------------------------------------------------------------------------


def test_a_downgrade_leaves_credit_that_later_invoices_use_up(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 3000).at(start + 15 * DAY)
    invoice = running.to(running.price(1000))
    assert (invoice.total, invoice.amount_due, invoice.status) == (-1000, 0, "paid")
    assert (invoice.starting_balance, invoice.ending_balance, running.balance()) == (0, -1000, -1000)
    renewed = running.at(moment(2026, 5, 1, 2)).invoices()[-1]
    assert (renewed.total, renewed.amount_due, running.balance()) == (1000, 0, 0)
    moves = shop.api.customers.balance_transactions.list(running.customer.id).data
    assert [(move.type, move.amount) for move in moves] == [
        ("applied_to_invoice", 1000),
        ("applied_to_invoice", -1000),
    ]


def test_up_and_down_at_the_same_moment_costs_nothing(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 10 * DAY + 4321)
    up = running.to(running.price(2500))
    down = running.to(running.price(1000))
    assert up.total + down.total == 0


def test_a_quantity_is_prorated_too(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000, quantity=2).at(start + 15 * DAY)
    change = {"items": [{"id": running.item(), "quantity": 5}], "proration_behavior": "always_invoice"}
    shop.api.subscriptions.update(running.id, change)
    assert amounts(running.invoices()[-1]) == [-1000, 2500]


def test_from_monthly_to_yearly_a_new_period_begins_and_is_billed_at_once(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 15 * DAY)
    invoice = running.to(running.price(10000, "year"), "create_prorations")
    assert (amounts(invoice), invoice.amount_paid) == ([-500, 10000], 9500)
    now = running.now()
    assert now.billing_cycle_anchor == start + 15 * DAY
    assert now["items"].data[0].current_period_end == moment(2027, 4, 16)


def test_a_zero_decimal_currency_is_prorated_in_its_own_units(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000, currency="jpy").at(start + 7 * DAY + 12_345)
    invoice = running.to(running.price(3333))
    assert (amounts(invoice), invoice.currency) == ([-762, 2539], "jpy")


@pytest.mark.parametrize("start", [moment(2026, 1, 31, 12), moment(2028, 2, 29, 9), moment(2027, 12, 31)])
def test_months_of_any_length_are_prorated_by_their_seconds(shop: Shop, start: int) -> None:
    running = Running(shop, start, 2800)
    item = running.now()["items"].data[0]
    half = (item.current_period_start + item.current_period_end) // 2
    assert running.at(half).to(running.price(5600)).total == 1400


def test_a_promotion_taken_with_a_change_lowers_what_the_change_costs(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 15 * DAY)
    half = shop.api.coupons.create({"percent_off": 50, "duration": "forever"}).id
    invoice = running.to(running.price(4000), discounts=[{"coupon": half}])
    assert amounts(invoice) == [-500, 1000]


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", "none"])
@pytest.mark.parametrize("target", [(500, "month"), (4321, "month"), (9999, "year"), (0, "month")])
def test_a_preview_is_the_invoice_that_the_change_makes(
    shop: Shop, behavior: str, target: tuple[int, str]
) -> None:
    start = moment(2026, 1, 31, 12)
    running = Running(shop, start, 1299, quantity=3).at(start + 11 * DAY + 777)
    price = running.price(*target)
    date = start + 11 * DAY + 500
    details = {"items": [{"id": running.item(), "price": price, "quantity": 2}], "proration_date": date}
    before = (running.now(), running.happened(), running.balance())
    preview = running.preview(**details, proration_behavior=behavior)
    assert (running.now(), running.happened(), running.balance()) == before
    known = len(running.invoices())
    running.to(price, behavior, quantity=2, proration_date=date)
    if len(running.invoices()) == known:
        running.at(preview.created + 2 * 3600)
    made = running.invoices()[known]
    assert amounts(made) == amounts(preview)
    assert (made.total, made.amount_due) == (preview.total, preview.amount_due)
    assert preview.id.startswith("upcoming_")


def test_a_preview_of_a_new_subscription_and_of_the_next_renewal(shop: Shop) -> None:
    customer = shop.customer(None)
    order = {"customer": customer.id, "subscription_details": {"items": [{"price": shop.price}]}}
    assert shop.api.invoices.create_preview(order).amount_due == 2900
    assert shop.api.subscriptions.list({"customer": customer.id}).data == []
    running = Running(shop, moment(2026, 4, 1), 1000)
    assert running.preview().created == moment(2026, 5, 1)
    running.api.subscriptions.update(running.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices"):
        running.preview()


# -- paying for a change --------------------------------------------------------------------------


def failing_method(running: Running) -> str:
    card = running.api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": running.customer.id})
    running.api.subscriptions.update(running.id, {"default_payment_method": card.id})
    return str(card.id)


def test_a_declined_upgrade_may_leave_everything_as_it_was(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 15 * DAY)
    failing_method(running)
    price = running.price(2000)
    before = (running.now(), running.happened())
    with pytest.raises(stripe.CardError):
        running.to(price, payment_behavior="error_if_incomplete")
    assert (running.now(), running.happened()) == before
    assert shop.api.invoice_items.list({"customer": running.customer.id, "pending": True}).data == []


def test_a_declined_upgrade_is_past_due_by_default_until_it_is_paid(shop: Shop) -> None:
    start = moment(2026, 4, 1)
    running = Running(shop, start, 1000).at(start + 15 * DAY)
    failing_method(running)
    invoice = running.to(running.price(2000))
    assert (invoice.status, running.now().status) == ("open", "past_due")
    method = running.customer.invoice_settings.default_payment_method
    running.api.invoices.pay(invoice.id, {"payment_method": method})
    assert running.now().status == "active"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"proration_date": moment(2026, 6, 1)}, "proration_date"),
        ({"proration_behavior": "sometimes"}, "proration_behavior"),
        ({"payment_behavior": "pending_if_incomplete"}, "payment_behavior"),
    ],
)
def test_a_change_that_cannot_be_is_refused(shop: Shop, change: dict[str, Any], reason: str) -> None:
    running = Running(shop, moment(2026, 4, 1), 1000)
    with pytest.raises(stripe.InvalidRequestError, match=reason):
        running.to(running.price(2000), **({"behavior": "always_invoice"} | change))


def test_another_currency_is_refused(shop: Shop) -> None:
    running = Running(shop, moment(2026, 4, 1), 1000)
    running.currency = "eur"
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        running.to(running.price(2000))


def test_a_renewal_is_announced_a_week_before_with_what_it_will_ask_for(shop: Shop) -> None:
    running = Running(shop, moment(2026, 4, 1), 1000).at(moment(2026, 4, 11))
    running.to(running.price(2500), "create_prorations")
    running.at(moment(2026, 4, 25))
    events = running.api.events.list({"type": "invoice.upcoming", "limit": 100}).auto_paging_iter()
    mine = [each.data.object for each in events if each.data.object.customer == running.customer.id]
    assert [(each.amount_due, getattr(each, "id", None)) for each in mine] == [(3500, None)]
    assert running.at(moment(2026, 5, 1, 2)).invoices()[-1].amount_paid == 3500
