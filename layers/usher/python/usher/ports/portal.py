"""Portal: pages of the payment vendor on which customers see their invoices and change how they pay."""

from typing import Protocol


class Portal(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def open(self, *, customer_id: str, return_url: str, idempotency_key: str) -> str:
        """The address of the customer's pages, which whoever has it can open; they lead to `return_url`."""
