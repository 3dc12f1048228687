"""`usher catalog migrate`: subscribers get the price that is sold now, and those that they lack."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local.cli.catalog import account, asked, told
from infra.local.cli.refusal import Refused
from usher.adapters import stripe_catalog, stripe_price_moves
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_price_moves import Holder
from usher.domain import price_moves


@dataclass(frozen=True, slots=True)
class _Step:
    """What is done to one subscription, and how it is shown."""

    holder: Holder
    shown: str
    do: Callable[[], None]


def run(
    *, plan: str, accounts: list[str] | None, everybody: bool, target: str | None, yes: bool, data: Path
) -> int:
    """Show who would move, ask, and move them; returns 1 when somebody could not be moved, else 0.

    A subscription that is scheduled to change is left alone: its schedule would put it back.
    """
    if bool(accounts) == everybody:
        raise Refused("name the accounts, or --all")
    left = 0
    with account(target, data) as stripe:
        with told():
            steps = _steps(plan, stripe)
            found = [each for each in steps if everybody or each.holder.account_id in (accounts or ())]
        for step in found:
            note = " is scheduled to change, and left alone" if step.holder.scheduled else ""
            print(f"{step.shown}{note}")
        if not found:
            print(f"Nobody to move: no such subscription is on a former price of {plan}, or lacks one.")
            return 0
        if target is not None and not yes:
            asked(target)
        for step in found:
            if step.holder.scheduled:
                left += 1
                continue
            with told(lambda: "what was moved stays; run it again for the rest"):
                step.do()
            print(f"{step.holder.subscription_id}: from its next invoice on")
    return 1 if left else 0


def _steps(plan: str, stripe: StripeCalls) -> Iterator[_Step]:
    entries = stripe_catalog.held(stripe).entries
    for move in price_moves.moves(plan, entries):
        way = f"{move.key} {move.former.terms['amount']} -> {move.current.terms['amount']}"
        for holder in stripe_price_moves.holders(stripe, move):
            do = partial(stripe_price_moves.put_on_current, stripe, move, holder)
            yield _Step(holder, f"~ {holder.subscription_id}  {holder.account_id}  {way}", do)
    for addition in price_moves.additions(plan, entries):
        for holder in stripe_price_moves.lacking(stripe, addition):
            do = partial(stripe_price_moves.add, stripe, addition, holder)
            yield _Step(holder, f"+ {holder.subscription_id}  {holder.account_id}  {addition.key}", do)
