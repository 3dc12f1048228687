"""Refunds that operators ask for: what is left of a payment, and giving some of it back."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from usher.ports.billing_facts import BillingFacts, PaymentSnapshot


class Refundable(BaseModel):
    """A payment as it is at the vendor now; `left_minor` of it can still be given back.

    `disputed`: its payer's bank is taking it back, so that the vendor refunds nothing of it.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    payment: PaymentSnapshot
    left_minor: int
    disputed: bool


class RefundGateway(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def refundable(self, payment_id: str) -> Refundable | None:
        """What is left of a payment; None when the vendor has none of this id."""

    def refund(
        self,
        payment: PaymentSnapshot,
        *,
        amount_minor: int,
        request: str,
        reason: str,
        correlation_id: str,
        idempotency_key: str,
    ) -> BillingFacts:
        """Give back `amount_minor` of a payment. The facts hold the refund, and the payment as it is after.

        `request` is kept on the refund, so that `find` knows it again.
        """

    def find(self, payment: PaymentSnapshot, *, request: str) -> BillingFacts | None:
        """The refund made for this request, by listing the payment's own; None when there is none."""
