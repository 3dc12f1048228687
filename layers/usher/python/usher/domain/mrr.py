"""MRR: what a subscription brings in a month, and what a change of it counts as.

Seed 4, section 3: MRR is the monthly value of active subscriptions. Its movements are new, expansion,
contraction and churned MRR, and reactivated for what comes back with a customer who had left.
"""

from fractions import Fraction
from typing import Literal

Movement = Literal["new", "expansion", "contraction", "churned", "reactivated"]

COUNTED = frozenset({"active", "past_due"})
"""The statuses in which a subscription counts: a trial has not begun to pay, an unpaid one has stopped."""

# How many of an interval make a month: a year has 365 days and 12 months.
_A_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(365, 84),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}


def monthly_minor(
    *,
    amount_minor: int,
    quantity: int,
    interval: str,
    interval_count: int = 1,
    percent_off: str | None = None,
    amount_off_minor: int | None = None,
) -> int:
    """What the subscription brings in a month after discounts: minor units, rounded half up, never below 0.

    `percent_off` is a decimal in text ("12.5"); both discounts are of what one invoice bills. Raises KeyError
    for an interval that is none.
    """
    billed = Fraction(amount_minor * quantity)
    if percent_off is not None:
        billed -= billed * Fraction(percent_off) / 100
    billed = max(billed - (amount_off_minor or 0), Fraction(0))
    return int(billed * _A_MONTH[interval] / interval_count + Fraction(1, 2))


def movement(*, before_minor: int, after_minor: int, was_customer: bool) -> Movement | None:
    """What a change of an account's MRR counts as; None when `after_minor` equals `before_minor`.

    `was_customer`: the account had MRR at some time before.
    """
    if before_minor == after_minor:
        return None
    if before_minor == 0:
        return "reactivated" if was_customer else "new"
    if after_minor == 0:
        return "churned"
    return "expansion" if after_minor > before_minor else "contraction"
