"""The plan catalog as code: what would change in an account of Stripe, and changing it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from usher.adapters import stripe_catalog
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_catalog_changes import CatalogChanges
from usher.domain import vendor_catalog
from usher.domain.plans import PlanCatalog
from usher.domain.vendor_catalog import Change, Entry, Held


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do in an account of which `held` was read, and with what is wanted there."""

    changes: list[Change]
    held: Held


def plan(wanted: list[Entry], account: StripeCalls) -> Plan:
    """How the account differs from what is wanted. Raises VendorRejected, VendorUnavailable."""
    held = stripe_catalog.held(account)
    return Plan(vendor_catalog.difference(wanted, held.entries), held)


def apply(planned: Plan, account: StripeCalls) -> Iterator[Change]:
    """Make the changes, each yielded once it is made. Raises VendorRejected, VendorUnavailable.

    Whatever was made until then stays; planned anew, the rest is left to do.
    """
    changes = CatalogChanges(account, planned.held)
    for change in planned.changes:
        changes.make(change)
        yield change


def of_file(catalog: PlanCatalog, today: date) -> list[Entry]:
    """What policies/plans.yaml wants."""
    return vendor_catalog.wanted(catalog, today)


def of_account(account: StripeCalls) -> list[Entry]:
    """What another account sells now, as what is wanted. Raises VendorRejected, VendorUnavailable."""
    return [entry for entry in stripe_catalog.held(account).entries if entry.active and not entry.spent]
