"""What Usher needs to know of a price at Stripe: whose plan's it is, and whether it is for what was used."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from usher.adapters.stripe_fields import get


class Price(NamedTuple):
    """A price by what its plan is; one that we know nothing of is of no plan."""

    plan: str | None = None
    metered: bool = False


Prices = Mapping[str, Price]  # by their ids
NONE: Prices = {}


def price_of(price: Any) -> Price:
    """An archived price has given its lookup key away, and its metadata still tell whose it is."""
    plan = get(price, "metadata", "plan") or get(price, "lookup_key")
    return Price(
        plan=None if plan is None else str(plan), metered=get(price, "recurring", "usage_type") == "metered"
    )
