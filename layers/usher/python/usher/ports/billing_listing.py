"""Billing listing: the vendor's own lists of its objects, newest first, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from usher.domain.reconciliation import ObjectKind
from usher.ports.billing_facts import Snapshot


@dataclass(frozen=True, slots=True)
class VendorPage:
    """Some objects of a list, and whether more of it follow."""

    snapshots: tuple[Snapshot, ...]
    more: bool


class BillingListing(Protocol):
    """Raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def page(
        self, kind: ObjectKind, *, since: datetime, upto: datetime, after: str | None = None
    ) -> VendorPage:
        """Objects created from `since` to `upto`, both included (whole seconds), those that ended too.

        `after` is the id of the last object of the page before.
        """
