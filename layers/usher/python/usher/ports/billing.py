"""Billing: what Usher asks of the payment vendor; it answers with the snapshots of ports/billing_facts.py."""

from typing import Literal, Protocol

from usher.ports.billing_facts import BillingFacts, CustomerSnapshot, Declined


class BillingGateway(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def create_customer(
        self,
        *,
        account_id: str,
        signup_id: str,
        email: str,
        name: str,
        phone: str | None,
        payment_method: str | None,
        correlation_id: str,
        idempotency_key: str,
        with_fingerprint: bool = False,
    ) -> CustomerSnapshot | Declined:
        """Create the customer with its payment method attached and made default, in one write.

        `with_fingerprint` asks for its card's fingerprint in the same answer.
        """

    def create_subscription(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        plan: str,
        trial_days: int,
        correlation_id: str,
        idempotency_key: str,
        invoice_due_days: int = 0,
        end_without_card: Literal["cancel", "pause"] = "cancel",
    ) -> BillingFacts | Declined:
        """Create the subscription to the plan's price (found by lookup key) and try to collect at once.

        `trial_days` 0 means no trial; `end_without_card` is what becomes of one that ends without a payment
        method; `invoice_due_days` sends an invoice that is due then instead of
        collecting. The facts hold the subscription, its first invoice and payment.
        """

    def find_customer(self, *, signup_id: str, email: str) -> CustomerSnapshot | None:
        """The live customer created for this sign-up, by listing, for when an idempotency key has expired."""

    def find_subscription(self, *, customer_id: str, signup_id: str) -> BillingFacts | None:
        """The live subscription created for this sign-up, by listing the customer's own."""

    def account_of(self, customer_id: str) -> str | None:
        """The account that our metadata name on the customer, or on a checkout that made it."""

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        """The present state of a customer, subscription, invoice or payment_intent; None: there is none."""
