"""Who still pays a former price of a plan, or lacks a metered one, and putting them on what is sold now.

Sources: docs.stripe.com/api/subscriptions/update and
/billing/subscriptions/usage-based/manage-billing-setup (read 2026-11).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.price_moves import Addition, Move

_OVER = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Holder:
    """A subscription with an item on the former price, or (None) without the one that it lacks.

    `scheduled` ones change by themselves later.
    """

    subscription_id: str
    account_id: str | None
    item_id: str | None
    scheduled: bool


def holders(calls: StripeCalls, move: Move) -> Iterator[Holder]:
    """Who is on the former price. Raises what `StripeCalls.call` does."""
    for subscription in _on(calls, move.former.id):
        for item in subscription["items"]["data"]:
            if item["price"]["id"] == move.former.id:
                yield _holder(subscription, item["id"])


def lacking(calls: StripeCalls, addition: Addition) -> Iterator[Holder]:
    """Who is on the plan and has no item for what it bills by use. Raises what `StripeCalls.call` does."""
    for own in sorted(addition.beside):
        for subscription in _on(calls, own):
            if not addition.either & {item["price"]["id"] for item in subscription["items"]["data"]}:
                yield _holder(subscription, None)


def put_on_current(calls: StripeCalls, move: Move, holder: Holder) -> None:
    """From the next invoice on; what is paid for stays paid. Done again, it changes nothing.

    What was used of a metered price is billed with the next invoice, at the former price.
    """
    params: dict[str, Any] = {
        "items": [{"id": holder.item_id, "price": move.current.id}],
        "proration_behavior": "create_prorations" if move.current.terms["metric"] else "none",
    }
    key = f"catalog/migrate/{holder.subscription_id}/{move.current.id}"
    calls.call("post", f"/v1/subscriptions/{holder.subscription_id}", params, key)


def add(calls: StripeCalls, addition: Addition, holder: Holder) -> None:
    """The item that is lacking: what is used from now on is billed. Done again, it changes nothing."""
    params = {"items": [{"price": addition.current.id}], "proration_behavior": "none"}
    key = f"catalog/add/{holder.subscription_id}/{addition.current.id}"
    calls.call("post", f"/v1/subscriptions/{holder.subscription_id}", params, key)


def _on(calls: StripeCalls, price: str) -> Iterator[dict[str, Any]]:
    for subscription in calls.pages("/v1/subscriptions", {"price": price, "status": "all"}):
        if subscription["status"] not in _OVER:
            yield subscription


def _holder(subscription: dict[str, Any], item_id: str | None) -> Holder:
    account_id = (subscription.get("metadata") or {}).get("account_id")
    return Holder(subscription["id"], account_id, item_id, bool(subscription.get("schedule")))
