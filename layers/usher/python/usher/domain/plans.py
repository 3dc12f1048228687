"""Plans: what can be bought, for how much, and what an account on the plan gets."""

from collections.abc import Iterator
from itertools import chain
from typing import Literal

from pydantic import Field, model_validator

from usher.domain.metering import Currency, Key, Limit, Metered, Metric, Prices, Setting
from usher.domain.promos import Code, Promo

Admission = Literal["open", "review", "invitation"]
Interval = Literal["month", "year"]


class Product(Setting):
    """What plans of several intervals have in common. `features` are the words of the pricing page."""

    name: str
    description: str | None = None
    features: tuple[str, ...] = Field(default=(), max_length=15)  # as many as Stripe keeps


class Plan(Setting):
    """One plan with one billing interval. `amount_minor` is per interval, in the catalog's currency.

    `limits` and `metered` are by metric.
    """

    name: str
    product: Key | None = None
    amount_minor: int = Field(ge=0)
    currencies: Prices = Field(default_factory=dict)
    interval: Interval = "month"
    trial_days: int = Field(default=0, ge=0, le=730)
    admission: Admission = "open"
    billed: bool = True
    flags: dict[str, bool] = Field(default_factory=dict)
    credits: int = Field(default=0, ge=0)
    limits: dict[Key, Limit] = Field(default_factory=dict)
    metered: dict[Key, Metered] = Field(default_factory=dict)

    @property
    def is_paid(self) -> bool:
        return self.billed and self.amount_minor > 0


class CreditSale(Setting):
    """How credits are sold on their own: the price of one in minor units, and how many at once."""

    unit_amount_minor: int = Field(ge=1)
    least: int = Field(default=1, ge=1)
    most: int = Field(default=1_000_000, ge=1)


class PlanCatalog(Setting):
    """policies/plans.yaml. A plan's key is also the lookup key of its price at the payment vendor."""

    currency: Currency
    credits: CreditSale | None = None
    metrics: dict[Key, Metric] = Field(default_factory=dict)
    products: dict[Key, Product] = Field(default_factory=dict)
    plans: dict[Key, Plan]
    promos: dict[Code, Promo] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _holds_together(self) -> "PlanCatalog":
        if not self.plans:
            raise ValueError("plans: at least one plan is needed")
        for complaint in chain(self._loose_ends(), self._odd_currencies(), self._odd_promos()):
            raise ValueError(complaint)
        return self

    def product_of(self, plan: str) -> tuple[str, Product]:
        """The key of a plan's product, and the product; a plan that names none is one by itself."""
        key = self.plans[plan].product
        return (plan, Product(name=self.plans[plan].name)) if key is None else (key, self.products[key])

    def metered(self) -> dict[str, tuple[str, ...]]:
        """By plan the metrics whose usage it bills; plans that bill none are not among them."""
        return {key: tuple(plan.metered) for key, plan in self.plans.items() if plan.metered}

    def amount_in(self, plan: str, currency: str) -> int | None:
        """What a plan costs per interval in a currency, in minor units; None when it is not sold in that."""
        found = self.plans[plan]
        return found.amount_minor if currency == self.currency else found.currencies.get(currency)

    def _loose_ends(self) -> Iterator[str]:
        intervals: dict[tuple[str, Interval], str] = {}
        for key, plan in self.plans.items():
            if plan.product is None and key in self.products:
                yield f"plans.{key}.product: a product is called {key} too; name the plan's product"
                continue
            if plan.product is not None and plan.product not in self.products:
                yield f"plans.{key}.product: {plan.product} is not among the products"
            if plan.product is not None:
                other = intervals.setdefault((plan.product, plan.interval), key)
                if other != key:
                    yield f"plans.{key}.interval: {other} is {plan.product} by the {plan.interval} already"
            for metric in (*plan.limits, *plan.metered):
                if metric not in self.metrics:
                    yield f"plans.{key}: {metric} is not among the metrics"

    def _odd_currencies(self) -> Iterator[str]:
        for key, plan in self.plans.items():
            if self.currency in plan.currencies:
                yield f"plans.{key}.currencies: {self.currency} is what amount_minor is in"
            for metric, metered in plan.metered.items():
                if set(metered.currencies) != set(plan.currencies):
                    yield f"plans.{key}.metered.{metric}.currencies: needs those of the plan, and no other"

    def _odd_promos(self) -> Iterator[str]:
        for code, promo in self.promos.items():
            if unknown := [key for key in promo.plans if key not in self.plans]:
                yield f"promos.{code}.plans: {unknown[0]} is not a plan"
                continue
            products = {self.product_of(key)[0] for key in promo.plans}
            for key in self.plans:
                if key not in promo.plans and self.product_of(key)[0] in products:
                    yield f"promos.{code}.plans: a coupon is for whole products, so {key} belongs here too"


def price_key(plan: str, *, metric: str | None = None, currency: str | None = None) -> str:
    """The lookup key of a price: `pro-monthly`, `pro-monthly.eur`, `pro-monthly:api_calls.eur`.

    `currency` is given for another one than the catalog's own.
    """
    return plan + (f":{metric}" if metric else "") + (f".{currency}" if currency else "")
