"""Closing: how what was made at the payment vendor is undone, each in a call that may be repeated."""

from typing import Protocol

from usher.ports.billing_facts import BillingFacts, PaymentSnapshot


class BillingCloser(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def payments_of(self, customer_id: str) -> list[PaymentSnapshot]:
        """All payments of a customer, newest first, those of a deleted one included."""

    def refund(self, payment_id: str, *, correlation_id: str, idempotency_key: str) -> str:
        """Pay back what is left of a payment; returns the refund's id, or "" when nothing was left.

        Why is on our record, not with the vendor: whoever refunds first, the step or the vendor's own bell,
        sends the same body under the same key, and the two need not agree on words.
        """

    def void_invoices(self, subscription_id: str) -> None:
        """Void what is open of a subscription's invoices, so that nobody can pay them any more."""

    def cancel_subscription(self, subscription_id: str, *, idempotency_key: str) -> BillingFacts | None:
        """End the subscription now, without proration; what is open of its invoices becomes void.

        Returns it as it is then, None when the vendor has none of this id.
        """

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer for whom no money moved; one that is gone already is no error."""

    def mark_closed(self, customer_id: str, *, reason: str) -> None:
        """Keep a customer for whom money moved, marked `usher_closed` (DESIGN.md section 4, orphan)."""
