"""What a coupon takes off amounts, in minor units; pure."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any


def reductions(
    amounts: list[int], coupons: list[dict[str, Any]], products: list[str | None]
) -> list[list[int]]:
    """For each coupon, what it takes off each amount; a later coupon works on what earlier ones left.

    `products` are what the amounts are for: a coupon that applies to some takes nothing off others.
    """
    left, taken = list(amounts), []
    for coupon in coupons:
        shares = _shares(
            [amount if covers(coupon, of) else 0 for amount, of in zip(left, products, strict=True)], coupon
        )
        left = [amount - share for amount, share in zip(left, shares, strict=True)]
        taken.append(shares)
    return taken


def covers(coupon: dict[str, Any], product: str | None) -> bool:
    """Whether the coupon is for this product."""
    applies_to = coupon.get("applies_to")
    return not applies_to or product in applies_to["products"]


def _shares(amounts: list[int], coupon: dict[str, Any]) -> list[int]:
    """Per cent of each line, rounded half up to the minor unit; an amount in proportion to the lines."""
    if coupon["percent_off"] is not None:
        share = Decimal(str(coupon["percent_off"])) / 100
        return [int((amount * share).quantize(Decimal(1), ROUND_HALF_UP)) for amount in amounts]
    total = sum(amounts)
    off = min(coupon["amount_off"], total)
    shares = [off * amount // total if total else 0 for amount in amounts]
    # what the division left over goes to the last lines, as in the example of
    # docs.stripe.com/billing/subscriptions/prorations: 5.00 off 10.00 and 20.00 is 1.66 and 3.34
    for index in reversed(range(len(amounts))):
        more = min(off - sum(shares), amounts[index] - shares[index])
        shares[index] += more
    return shares
