"""Pricing: what plans of a product cost beside each other, and what a promotion takes off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from usher.domain.plans import Interval, Plan, PlanCatalog, Product
from usher.domain.promos import Promo


@dataclass(frozen=True, slots=True)
class Choice:
    """One plan as it is offered: its price per interval in `currency`, which may be the catalog's own."""

    key: str
    plan: Plan
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OfferedProduct:
    """A product with its plans by interval."""

    product: Product
    by_interval: Mapping[Interval, Choice]

    @property
    def savings(self) -> "Savings | None":
        """What a year at once saves, None when there is nothing to compare or to save."""
        month, year = self.by_interval.get("month"), self.by_interval.get("year")
        if month is None or year is None or month.currency != year.currency:
            return None
        minor = 12 * month.amount_minor - year.amount_minor
        return Savings(minor, minor * 100 // (12 * month.amount_minor)) if minor > 0 else None


@dataclass(frozen=True, slots=True)
class Savings:
    """Of a year against twelve months: in minor units, and in whole per cent, rounded down."""

    minor: int
    percent: int


def offered(catalog: PlanCatalog, keys: Iterable[str], currency: str) -> list[OfferedProduct]:
    """These plans by product, as the file orders them, in this currency where they are sold in it."""
    found: dict[str, tuple[Product, dict[Interval, Choice]]] = {}
    for key in keys:
        plan, (product_key, product) = catalog.plans[key], catalog.product_of(key)
        amount, told = catalog.amount_in(key, currency), currency
        if amount is None:
            amount, told = plan.amount_minor, catalog.currency
        found.setdefault(product_key, (product, {}))[1][plan.interval] = Choice(key, plan, amount, told)
    return [OfferedProduct(product, choices) for product, choices in found.values()]


def monthly_equivalent(yearly_minor: int) -> int:
    """What a yearly price is per month, rounded up: nobody pays more than it says."""
    return -(-yearly_minor // 12)


def applies(promo: Promo, plan: str, *, today: date) -> bool:
    """Whether the promotion can be redeemed for this plan today (UTC)."""
    return (not promo.plans or plan in promo.plans) and (promo.last_day is None or promo.last_day >= today)


def reduced(choice: Choice, promo: Promo, own_currency: str) -> int | None:
    """What the first invoice of a plan comes to with a promotion; None when that is in another currency.

    Per cent are rounded half up to the minor unit, as Stripe does.
    """
    if promo.percent_off is not None:
        off = Decimal(choice.amount_minor * promo.percent_off) / 100
        return choice.amount_minor - int(off.quantize(Decimal(1), ROUND_HALF_UP))
    assert promo.amount_off_minor is not None
    return max(0, choice.amount_minor - promo.amount_off_minor) if choice.currency == own_currency else None
