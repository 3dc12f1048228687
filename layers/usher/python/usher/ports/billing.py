"""Billing: what Usher asks of the payment vendor, and the snapshots it gets back.

Snapshots hold what records keep, in our field names; money is minor units with its currency, times UTC.
"""

from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

SubscriptionStatus = Literal[
    "trialing", "active", "incomplete", "incomplete_expired", "past_due", "unpaid", "paused", "canceled"
]
InvoiceStatus = Literal["draft", "open", "paid", "void", "uncollectible"]
PaymentStatus = Literal["open", "processing", "requires_action", "succeeded", "failed", "canceled"]


class Snapshot(BaseModel):
    """Base of all snapshots: immutable, and indifferent to fields a newer vendor version adds.

    `account_id` and `signup_id` are what our own metadata on the object say, where there are any.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")


class PaymentSnapshot(Snapshot):
    """One attempt to collect money (Stripe: PaymentIntent); `open` until somebody has tried to pay."""

    payment_id: str
    customer_id: str | None
    invoice_id: str | None = None
    amount_minor: int
    currency: str
    status: PaymentStatus
    method: str | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    created_at: datetime
    account_id: str | None = None
    signup_id: str | None = None


class InvoiceSnapshot(Snapshot):
    """One invoice; `amount_due_minor` is what the customer owes, tax and credits included."""

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    status: InvoiceStatus
    currency: str
    amount_due_minor: int
    amount_paid_minor: int
    hosted_url: str | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    created_at: datetime
    account_id: str | None = None


class SubscriptionSnapshot(Snapshot):
    """One subscription to one plan. The period is that of its (only) item."""

    subscription_id: str
    customer_id: str
    plan: str | None
    price_id: str
    quantity: int
    status: SubscriptionStatus
    current_period_start: datetime
    current_period_end: datetime
    trial_end: datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = None
    started_at: datetime
    account_id: str | None = None
    signup_id: str | None = None


class CustomerSnapshot(Snapshot):
    """The vendor's customer. `account_id` is what its metadata says.

    `has_payment_method`: what is owed can be collected by itself. `card_fingerprint` is the same for one card
    wherever it is used, and only there when it was asked for.
    """

    customer_id: str
    account_id: str | None
    email: str | None
    deleted: bool = False
    delinquent: bool = False
    has_payment_method: bool = False
    card_fingerprint: str | None = None


class BillingFacts(Snapshot):
    """All that one call told us, to be recorded together."""

    customer: CustomerSnapshot | None = None
    subscription: SubscriptionSnapshot | None = None
    invoices: tuple[InvoiceSnapshot, ...] = ()
    payments: tuple[PaymentSnapshot, ...] = ()


class Declined(Snapshot):
    """The bank or the vendor refused the payment method: an outcome, not an error."""

    code: str
    reason: str


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
