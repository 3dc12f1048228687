"""What the payment vendor should hold of the plan catalog, and what has to happen until it does.

A thing has terms, which the vendor does not let anybody change, and words, which it does. Other terms are
another thing under the same key; the former one is archived, and who has it keeps it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from usher.domain.plans import Plan, PlanCatalog, price_key

Kind = Literal["meter", "product", "price", "promo"]
Action = Literal["create", "change", "archive"]
ORDER: tuple[Kind, ...] = ("meter", "product", "price", "promo")
"""Each may name things of the former kinds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A meter, product, price or promotion code, in words that hold in every account of the vendor.

    `key` is a metric, a product, a lookup key or a code. `id` is the vendor's, "" of what is only wanted.
    What is not `active` is archived; what is `spent` was used up.
    """

    kind: Kind
    key: str
    terms: Mapping[str, Any]
    words: Mapping[str, Any]
    id: str = ""
    active: bool = True
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do: make `wanted`, or make what it `revives` it; archive what it `retires`."""

    action: Action
    kind: Kind
    key: str
    wanted: Entry | None = None
    revives: Entry | None = None
    retires: tuple[Entry, ...] = ()

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What differs by name: as it is, and as it is to be."""
        former = self.revives if self.revives and self.revives.active else next(iter(self.retires), None)
        if self.wanted is None or former is None:
            return {}
        before, after = {**former.terms, **former.words}, {**self.wanted.terms, **self.wanted.words}
        return {name: (before.get(name), after[name]) for name in after if before.get(name) != after[name]}


@dataclass(frozen=True, slots=True)
class Held:
    """What an account of the vendor holds: ours, and how many others of each kind, which nobody touches."""

    entries: Sequence[Entry]
    others: Mapping[Kind, int] = field(default_factory=dict)


def wanted(catalog: PlanCatalog, today: date) -> list[Entry]:
    """What the file asks for; promotions whose last day (UTC) is over are not among it."""
    entries = [Entry("meter", key, {}, {"name": metric.name}) for key, metric in catalog.metrics.items()]
    billed = {key: plan for key, plan in catalog.plans.items() if plan.billed}
    for key, product in dict(catalog.product_of(plan) for plan in billed).items():
        words = {"name": product.name, "description": product.description, "features": list(product.features)}
        entries.append(Entry("product", key, {}, words))
    for key, plan in billed.items():
        entries.extend(_prices(key, plan, catalog))
    for code, promo in catalog.promos.items():
        if promo.last_day is None or promo.last_day >= today:
            products = sorted({catalog.product_of(plan)[0] for plan in promo.plans})
            terms = promo.model_dump(mode="json", exclude={"plans", "shown"}) | {"products": products}
            terms["currency"] = catalog.currency if promo.amount_off_minor else None
            entries.append(Entry("promo", code, terms, {}))
    return entries


def _prices(key: str, plan: Plan, catalog: PlanCatalog) -> Iterator[Entry]:
    product = catalog.product_of(key)[0]
    for currency in (catalog.currency, *plan.currencies):
        other = None if currency == catalog.currency else currency
        common = {"plan": key, "product": product, "currency": currency, "interval": plan.interval}
        lookup, amount = price_key(key, currency=other), catalog.amount_in(key, currency)
        words = {"lookup_key": lookup, "name": plan.name}
        yield Entry("price", lookup, {**common, "metric": None, "amount": str(amount)}, words)
        for metric, metered in plan.metered.items():
            lookup = price_key(key, metric=metric, currency=other)
            each = Decimal(metered.currencies[other] if other else metered.amount_minor) / metered.per
            words = {"lookup_key": lookup, "name": f"{plan.name}: {catalog.metrics[metric].name}"}
            yield Entry("price", lookup, {**common, "metric": metric, "amount": exact(each)}, words)


def exact(amount: Decimal) -> str:
    """A decimal as the vendor writes it: 5.00 is "5", 0.050 is "0.05"."""
    return format(amount.normalize(), "f")


def difference(wants: Iterable[Entry], held: Iterable[Entry]) -> list[Change]:
    """What to do, in an order in which it can be done; nothing when `held` is what is wanted.

    What exists with these terms is used again, archived or not: doing it again, or going on where it was
    interrupted, never makes a second one.
    """
    there: dict[tuple[Kind, str], list[Entry]] = defaultdict(list)
    for entry in held:
        there[entry.kind, entry.key].append(entry)
    made: list[Change] = []
    for want in sorted(wants, key=lambda entry: ORDER.index(entry.kind)):
        made.extend(_towards(want, there.pop((want.kind, want.key), [])))
    gone = [entry for entries in there.values() for entry in entries if entry.active]
    gone.sort(key=lambda entry: -ORDER.index(entry.kind))
    return [*made, *(Change("archive", each.kind, each.key, retires=(each,)) for each in gone)]


def _towards(want: Entry, there: list[Entry]) -> Iterator[Change]:
    same = [entry for entry in there if entry.terms == want.terms]
    same.sort(key=lambda entry: (entry.active, entry.spent, entry.words == want.words))
    best = same[-1] if same else None
    left = tuple(entry for entry in there if entry.active and entry is not best)
    if best is not None and (best.spent or (best.active and best.words == want.words)):
        if left:  # of a change that was interrupted
            yield Change("archive", want.kind, want.key, retires=left)
        return
    action: Action = "change" if left or (best and best.active) else "create"
    yield Change(action, want.kind, want.key, wanted=want, revives=best, retires=left)
