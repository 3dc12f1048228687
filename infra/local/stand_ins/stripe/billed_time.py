"""What each subscription item has been billed for which stretch of time, and what of it is given back.

In flexible billing mode a credit for unused time comes from what was really billed, discounts included, and
not from the current price. Source: docs.stripe.com/billing/subscriptions/prorations, "Credit prorations".
"""

from dataclasses import asdict, dataclass, replace

from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.proration import share


@dataclass(frozen=True, slots=True)
class Billed:
    """A charge for one item, less discounts, as far as it has not been credited.

    Attributes:
        amount: minor units for `start` to `end` (epoch seconds).
        source: the id of the invoice line or, while that is pending, of the invoice item that charged it.
        invoice: the invoice of that line; None while pending.
    """

    amount: int
    start: int
    end: int
    source: str
    invoice: str | None
    quantity: int
    description: str


@dataclass(frozen=True, slots=True)
class Credit:
    """What is given back of a charge, from a moment to the end of what the charge was for."""

    amount: int
    start: int
    billed: Billed


class BilledTime:
    """The charges by subscription item."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def charge(self, item: str, billed: Billed) -> None:
        """Remember a charge for the subscription item `item`; what is over by then is forgotten."""
        if billed.amount:
            kept = [each for each in self._of(item) if each.end > billed.start]
            self._keep(item, [*kept, billed])

    def credit(self, item: str, moment: int) -> list[Credit]:
        """Give back what was billed for the time from `moment` on; it is not given back twice."""
        credits, kept = [], []
        for billed in self._of(item):
            back = share(billed.amount, billed.start, billed.end, moment)
            start = max(moment, billed.start)
            if back and start < billed.end:
                credits.append(Credit(back, start, billed))
                billed = replace(billed, amount=billed.amount - back, end=start)
            if billed.amount and billed.end > billed.start:
                kept.append(billed)
        self._keep(item, kept)
        return credits

    def forget(self, item: str) -> None:
        """Nothing is given back for this item any more."""
        self._keep(item, [])

    def invoiced(self, item: str, pending: str, invoice: str, line: str) -> None:
        """The pending invoice item `pending` has become `line` of `invoice`."""
        held = [
            replace(each, source=line, invoice=invoice) if each.source == pending else each
            for each in self._of(item)
        ]
        self._keep(item, held)

    def _of(self, item: str) -> list[Billed]:
        return [Billed(**each) for each in self._account.state.note(f"billed {item}") or []]

    def _keep(self, item: str, held: list[Billed]) -> None:
        self._account.state.keep_note(f"billed {item}", [asdict(each) for each in held])
