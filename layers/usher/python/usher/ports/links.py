"""Payment links: pages of the payment vendor that one customer pays at once, and what was paid there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

from usher.domain.payment_links import Offer
from usher.ports.billing_facts import Snapshot


class LinkSnapshot(Snapshot):
    """A link (Stripe: Payment Link)."""

    link_id: str
    url: str
    active: bool


class LinkCheckout(Snapshot):
    """One visit to a link's page (Stripe: Checkout Session), as it stands now.

    `processing` is a delayed method that is under way, `failed` one that did not go through. `paid_at` is
    the vendor's moment. E-mail, name and phone are what was typed on the page.
    """

    checkout_id: str
    state: Literal["open", "processing", "paid", "failed", "expired"]
    created_at: datetime
    amount_minor: int
    currency: str
    customer_id: str | None = None
    subscription_id: str | None = None
    payment_id: str | None = None
    paid_at: datetime | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None


class PaymentLinks(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def create(
        self,
        offer: Offer,
        *,
        metadata: Mapping[str, str],
        description: str,
        note: str,
        idempotency_key: str,
    ) -> LinkSnapshot:
        """A link that can be paid once.

        `metadata` and `description` are on the link and on the payment or subscription it makes; `note` is
        what its page says beside the button.
        """

    def find(self, signup_id: str) -> LinkSnapshot | None:
        """The link whose metadata name this onboarding, by listing, for when an idempotency key is spent."""

    def close(self, link_id: str) -> None:
        """Make sure that nobody can pay here any more; what was paid stays as it is."""

    def checkouts(self, link_id: str) -> list[LinkCheckout]:
        """All visits to the link's page, the earliest first."""

    def signup_of(self, checkout_id: str) -> str | None:
        """The onboarding that the metadata of a checkout name, when a link opened it."""

    def mark_customer(self, customer_id: str, *, metadata: Mapping[str, str], idempotency_key: str) -> None:
        """Put our metadata on a customer that a link's checkout made."""
