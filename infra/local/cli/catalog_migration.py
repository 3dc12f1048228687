"""`usher catalog migrate`: subscribers of a plan's former prices get the one that is sold now."""

from pathlib import Path

from infra.local.cli.catalog import account, asked, told
from infra.local.cli.refusal import Refused
from usher.adapters import stripe_catalog, stripe_price_moves
from usher.domain import price_moves


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
            moves = price_moves.moves(plan, stripe_catalog.held(stripe).entries)
            found = [
                (move, holder)
                for move in moves
                for holder in stripe_price_moves.holders(stripe, move)
                if everybody or holder.account_id in (accounts or ())
            ]
        for move, holder in found:
            way = f"{move.former.terms['amount']} -> {move.current.terms['amount']}"
            note = " is scheduled to change, and left alone" if holder.scheduled else ""
            print(f"~ {holder.subscription_id}  {holder.account_id}  {move.key} {way}{note}")
        if not found:
            print(f"Nobody to move: no such subscription is on a former price of {plan}.")
            return 0
        if target is not None and not yes:
            asked(target)
        for move, holder in found:
            if holder.scheduled:
                left += 1
                continue
            with told(lambda: "what was moved stays; run it again for the rest"):
                stripe_price_moves.put_on_current(stripe, move, holder)
            print(f"{holder.subscription_id}: from its next invoice on")
    return 1 if left else 0
