"""Which subscriptions are on a price that is sold no more, and which price took its place."""

from collections.abc import Iterable
from dataclasses import dataclass

from usher.domain.vendor_catalog import Entry


@dataclass(frozen=True, slots=True)
class Move:
    """From the archived price `former` of a lookup key to the `current` one."""

    key: str
    former: Entry
    current: Entry


def moves(plan: str, held: Iterable[Entry]) -> list[Move]:
    """From every archived price of the plan to the one that is sold under its key now."""
    prices = [entry for entry in held if entry.kind == "price" and entry.terms["plan"] == plan]
    current = {entry.key: entry for entry in prices if entry.active}
    archived = [entry for entry in prices if not entry.active]
    return [Move(entry.key, entry, current[entry.key]) for entry in archived if entry.key in current]
