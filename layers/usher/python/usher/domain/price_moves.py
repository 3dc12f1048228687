"""Which prices are sold no more and what took their place, and which one a plan has beside its own by now."""

from collections.abc import Iterable
from dataclasses import dataclass

from usher.domain.vendor_catalog import Entry


@dataclass(frozen=True, slots=True)
class Move:
    """From the archived price `former` of a lookup key to the `current` one."""

    key: str
    former: Entry
    current: Entry


@dataclass(frozen=True, slots=True)
class Addition:
    """The metered price `current` that a plan has by now.

    Attributes:
        beside: ids of the plan's own prices in that currency, former ones too: who is on one needs it.
        either: ids of all prices of its key, former ones too: who is on one of them has it.
    """

    key: str
    current: Entry
    beside: frozenset[str]
    either: frozenset[str]


def additions(plan: str, held: Iterable[Entry]) -> list[Addition]:
    """Of every metric that the plan bills now."""
    prices = [entry for entry in held if entry.kind == "price" and entry.terms["plan"] == plan]
    return [
        Addition(
            price.key,
            price,
            frozenset(
                own.id
                for own in prices
                if not own.terms["metric"]
                and (own.terms["currency"], own.terms["interval"])
                == (price.terms["currency"], price.terms["interval"])
            ),
            frozenset(other.id for other in prices if other.key == price.key),
        )
        for price in prices
        if price.active and price.terms["metric"]
    ]


def moves(plan: str, held: Iterable[Entry]) -> list[Move]:
    """From every archived price of the plan to the one that is sold under its key now."""
    prices = [entry for entry in held if entry.kind == "price" and entry.terms["plan"] == plan]
    current = {entry.key: entry for entry in prices if entry.active}
    archived = [entry for entry in prices if not entry.active]
    return [Move(entry.key, entry, current[entry.key]) for entry in archived if entry.key in current]
