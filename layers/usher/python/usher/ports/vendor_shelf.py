"""Vendor shelf: what the payment vendor sells for us, as the plan catalog knows it."""

from typing import Protocol

from usher.domain.vendor_catalog import Held


class VendorShelf(Protocol):
    """Raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def held(self) -> Held:
        """All that is ours, archived or not."""
