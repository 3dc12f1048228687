"""Checkout: a page of the payment vendor where a customer pays for a plan, once."""

from datetime import datetime
from typing import Literal, Protocol

from usher.ports.billing import Snapshot


class CheckoutSnapshot(Snapshot):
    """A checkout as the vendor has it (Stripe: Checkout Session). `url` is None once it is not open any more.

    `payment_status` unpaid with status complete is a delayed method (a bank debit) that is under way.
    """

    checkout_id: str
    status: Literal["open", "complete", "expired"]
    payment_status: Literal["paid", "unpaid", "no_payment_required"]
    url: str | None
    subscription_id: str | None
    customer_id: str | None
    payment_id: str | None
    account_id: str | None = None


class Checkouts(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def open(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        plan: str,
        return_url: str,
        expires_at: datetime,
        correlation_id: str,
        idempotency_key: str,
    ) -> CheckoutSnapshot:
        """Open a page on which this customer can subscribe to the plan; what it makes names the account."""

    def find(self, checkout_id: str) -> CheckoutSnapshot:
        """The checkout as it is now."""

    def close(self, checkout_id: str) -> CheckoutSnapshot:
        """Make sure that nobody can pay here any more; one that was completed stays as it is."""
