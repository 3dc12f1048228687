"""Whether Stripe still sells what policies/plans.yaml says: a change made in its dashboard is reported.

Row C1 of docs/product.md.
"""

from collections.abc import Iterator

from usher.domain.plans import PlanCatalog
from usher.domain.vendor_catalog import Change, difference, wanted
from usher.ports.clock import Clock
from usher.ports.vendor_shelf import VendorShelf

SHOWN = 5


def catalog_drift(*, shelf: VendorShelf, plans: PlanCatalog, clock: Clock) -> str | None:
    """In words how products and prices at the vendor differ from the file; None when they do not.

    Raises VendorUnavailable.
    """
    changes = [
        change
        for change in difference(wanted(plans, clock.now().date()), shelf.held().entries)
        if change.kind in {"price", "product"}
    ]
    if not changes:
        return None
    told = [text for change in changes for text in _words(change)]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return (
        f"Stripe's catalog is not policies/plans.yaml's: {'; '.join(told[:SHOWN])}{more} (usher catalog plan)"
    )


def _words(change: Change) -> Iterator[str]:
    thing = f"{change.kind} {change.key}"
    if change.action == "archive":
        yield f"{thing} is sold there and is not in the file"
    elif not change.fields:
        yield f"{thing} is not sold there"
    for name, (there, here) in change.fields.items():
        yield f"{thing}: {name} is {there!r} there, {here!r} in the file"
