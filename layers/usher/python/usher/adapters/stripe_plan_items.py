"""The items of a subscription at Stripe for a plan: its own price, and one for each metric that it bills.

Sources: docs.stripe.com/api/subscriptions/update and
/billing/subscriptions/usage-based/manage-billing-setup (read 2026-11): in flexible billing mode a metered
price that is removed bills what was used of it up to then, unless the change says proration_behavior=none; a
price that is added bills what is used from then on.
"""

from typing import Any

from usher.adapters.stripe_price_keys import StripePrices
from usher.adapters.stripe_prices import price_of
from usher.domain.plan_changes import PlanChange

Found = dict[str, Any]  # an item as Stripe shows it


def licensed_item(subscription: dict[str, Any]) -> Found:
    """The item that is paid for in advance: the plan."""
    items: list[Found] = subscription["items"]["data"]
    return next((item for item in items if not price_of(item["price"]).metered), items[0])


def new_items(change: PlanChange, prices: StripePrices) -> list[dict[str, Any]]:
    """The items of a subscription that begins. A metered price takes no quantity."""
    own = {"price": prices.of(change.price_key), "quantity": change.quantity}
    return [own, *({"price": prices.of(key)} for key in change.usage_keys)]


def changed_items(now: dict[str, Any], change: PlanChange, prices: StripePrices) -> list[dict[str, Any]]:
    """What has to be asked for, so that the items are the plan's; empty when they are."""
    item, price = licensed_item(now), prices.of(change.price_key)
    changed: list[dict[str, Any]] = []
    if (item["price"]["id"], item["quantity"]) != (price, change.quantity):
        changed.append({"id": item["id"], "price": price, "quantity": change.quantity})
    changed += [{"id": each["id"], "deleted": True} for each in leaving(now, change, prices)]
    held = {each["price"]["id"] for each in now["items"]["data"]}
    wanted = [prices.of(key) for key in change.usage_keys]
    return changed + [{"price": id} for id in wanted if id not in held]


def leaving(now: dict[str, Any], change: PlanChange, prices: StripePrices) -> list[Found]:
    """The metered items of a plan of ours that the change has none of.

    The catalog's prices name their plan in their metadata; an item on any other price was added by a person,
    and stays.
    """
    wanted = {prices.of(key) for key in change.usage_keys}
    return [item for item in now["items"]["data"] if _is_ours(item) and item["price"]["id"] not in wanted]


def phase_item(item: Found) -> dict[str, Any]:
    """An item as the phase of a schedule keeps it."""
    counted = {} if price_of(item["price"]).metered else {"quantity": item["quantity"]}
    return {"price": item["price"]["id"], **counted}


def next_phase_items(now: dict[str, Any], change: PlanChange, prices: StripePrices) -> list[dict[str, Any]]:
    """The items of the phase that begins with the plan: its own, and what it leaves as it is."""
    own = new_items(change, prices)
    replaced = [licensed_item(now), *leaving(now, change, prices)]
    named = {each["price"] for each in own} | {each["price"]["id"] for each in replaced}
    return own + [phase_item(each) for each in now["items"]["data"] if each["price"]["id"] not in named]


def _is_ours(item: Found) -> bool:
    return price_of(item["price"]).metered and bool((item["price"].get("metadata") or {}).get("plan"))
