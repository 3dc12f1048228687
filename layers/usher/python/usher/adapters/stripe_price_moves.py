"""Who still pays a former price of a plan, and putting them on the one that is sold now.

Source: docs.stripe.com/api/subscriptions/update (read 2026-11).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.price_moves import Move

_OVER = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Holder:
    """A subscription with an item on the former price; `scheduled` ones change by themselves later."""

    subscription_id: str
    account_id: str | None
    item_id: str
    scheduled: bool


def holders(calls: StripeCalls, move: Move) -> Iterator[Holder]:
    """Who is on the former price. Raises what `StripeCalls.call` does."""
    for subscription in calls.pages("/v1/subscriptions", {"price": move.former.id, "status": "all"}):
        if subscription["status"] in _OVER:
            continue
        for item in subscription["items"]["data"]:
            if item["price"]["id"] == move.former.id:
                account_id = (subscription.get("metadata") or {}).get("account_id")
                yield Holder(subscription["id"], account_id, item["id"], bool(subscription.get("schedule")))


def put_on_current(calls: StripeCalls, move: Move, holder: Holder) -> None:
    """From the next invoice on; what is paid for stays paid. Done again, it changes nothing."""
    params: dict[str, Any] = {
        "items": [{"id": holder.item_id, "price": move.current.id}],
        "proration_behavior": "none",
    }
    key = f"catalog/migrate/{holder.subscription_id}/{move.current.id}"
    calls.call("post", f"/v1/subscriptions/{holder.subscription_id}", params, key)
