"""Stripe's subscription as a snapshot: its plan, price, discounts, and what is scheduled for it."""

from decimal import Decimal
from typing import Any

from usher.adapters.stripe_fields import get, id_of, moment, whole
from usher.adapters.stripe_prices import Price, Prices, price_of
from usher.ports.billing_facts import SubscriptionSnapshot


def subscription_of(subscription: Any, prices: Prices) -> SubscriptionSnapshot:
    """`prices` are those that the subscription does not describe itself: its scheduled one."""
    item = licensed_item(subscription)
    price = item["price"]
    return SubscriptionSnapshot(
        subscription_id=subscription["id"],
        customer_id=id_of(subscription["customer"]),
        plan=price_of(price).plan,
        price_id=price["id"],
        item_id=item["id"],
        quantity=get(item, "quantity") or 1,
        currency=get(price, "currency"),
        amount_minor=get(price, "unit_amount"),
        interval=get(price, "recurring", "interval"),
        interval_count=get(price, "recurring", "interval_count"),
        **_discounts(subscription),
        collection=get(subscription, "collection_method"),
        pause_behavior=get(subscription, "pause_collection", "behavior"),
        **_scheduled(subscription, item, prices),
        cancel_at=moment(get(subscription, "cancel_at")),
        ended_at=moment(get(subscription, "ended_at")),
        status=subscription["status"],
        current_period_start=moment(item["current_period_start"]),
        current_period_end=moment(item["current_period_end"]),
        trial_end=moment(get(subscription, "trial_end")),
        cancel_at_period_end=bool(get(subscription, "cancel_at_period_end")),
        canceled_at=moment(get(subscription, "canceled_at")),
        started_at=moment(subscription["start_date"]),
        account_id=get(subscription, "metadata", "account_id"),
        signup_id=get(subscription, "metadata", "signup_id"),
    )


def licensed_item(subscription: Any) -> Any:
    """The item that is paid for in advance: the plan. Metered ones beside it are what was used."""
    items = subscription["items"]["data"]
    return next((item for item in items if not price_of(item["price"]).metered), items[0])


def next_price(subscription: Any) -> str | None:
    """The id of the price that its schedule names for the next phase."""
    phase = _next_phase(whole(subscription, "schedule"))
    return id_of(phase["items"][0]["price"]) if phase and phase["items"] else None


def _next_phase(schedule: Any) -> Any:
    ends = get(schedule, "current_phase", "end_date")
    if ends is None or get(schedule, "status") not in {"active", "not_started"}:
        return None
    return next((phase for phase in schedule["phases"] if phase["start_date"] >= ends), None)


def _scheduled(subscription: Any, item: Any, prices: Prices) -> dict[str, Any]:
    schedule = get(subscription, "schedule")
    found: dict[str, Any] = {"schedule_id": id_of(schedule)}
    phase, price_id = _next_phase(whole(subscription, "schedule")), next_price(subscription)
    if phase is None or price_id is None:
        return found
    quantity = get(phase["items"][0], "quantity") or 1
    same = price_id == item["price"]["id"]
    if same and quantity == (get(item, "quantity") or 1):
        return found
    plan = price_of(item["price"]).plan if same else prices.get(price_id, Price()).plan
    at = moment(phase["start_date"])
    return found | {"scheduled_plan": plan, "scheduled_quantity": quantity, "scheduled_at": at}


def _discounts(subscription: Any) -> dict[str, Any]:
    """What its discounts take from each invoice, as far as they were expanded; percentages compound."""
    left, amount, promotion = Decimal(100), 0, None
    for discount in get(subscription, "discounts") or ():
        if isinstance(discount, str):
            continue
        source = get(discount, "source", "coupon")
        coupon = whole(get(discount, "source"), "coupon")
        promotion = promotion or id_of(get(discount, "promotion_code")) or id_of(source)
        if coupon is None or coupon["duration"] == "once":
            continue
        if coupon.get("percent_off"):
            left -= left * Decimal(str(coupon["percent_off"])) / 100
        amount += coupon.get("amount_off") or 0
    return {
        "percent_off": f"{(100 - left).normalize():f}" if left != 100 else None,
        "amount_off_minor": amount or None,
        "promotion": promotion,
    }
