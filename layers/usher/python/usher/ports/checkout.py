"""Checkout: a page of the payment vendor where a customer pays for a plan, once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

from usher.ports.billing_facts import Snapshot


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
        discount: Mapping[str, str] | None = None,
        currency: str | None = None,
    ) -> CheckoutSnapshot:
        """Open a page on which this customer can subscribe to the plan; what it makes names the account.

        `discount` is `{coupon: id}` or `{promotion_code: id}`, as `Offers` finds them; `currency` another one
        than the catalog's own, in which the plan is sold too. Raises KeySpent as well: open it under another
        key.
        """

    def find(self, checkout_id: str) -> CheckoutSnapshot:
        """The checkout as it is now."""

    def find_open(self, *, customer_id: str, signup_id: str) -> CheckoutSnapshot | None:
        """The checkout of this sign-up that can be paid at: one may have been opened without an answer."""

    def close(self, checkout_id: str) -> CheckoutSnapshot:
        """Make sure that nobody can pay here any more; one that was completed stays as it is."""


class Offers(Protocol):
    """What a customer may pay less. Raises as `Checkouts` does."""

    def promotion_code(self, code: str) -> str | None:
        """The id of the active promotion code that is typed like this, None when there is none."""

    def coupon(self, *, percent_off: int, months: int) -> str:
        """The id of the coupon that takes so much off for so many months; it is made when it is missing."""
