"""Refunds at Stripe: what is left of a PaymentIntent's charge, and giving it back in whole or part.

Source: docs.stripe.com/api/refunds (read 2026-11).
"""

from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_reversals import refund_of
from usher.adapters.stripe_snapshots import payment_of
from usher.domain.errors import VendorRejected
from usher.ports.billing_facts import BillingFacts, PaymentSnapshot
from usher.ports.refunds import Refundable


class StripeRefunds:
    """Fulfils ports/refunds.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def refundable(self, payment_id: str) -> Refundable | None:
        path = f"/v1/payment_intents/{payment_id}"
        try:
            intent = self._calls.call("get", path, {"expand": ["latest_charge.balance_transaction"]})
        except VendorRejected as error:
            if error.status != 404:
                raise
            return None
        charge = intent.get("latest_charge") or {}
        left = charge.get("amount_captured", 0) - charge.get("amount_refunded", 0)
        return Refundable(payment=payment_of(intent), left_minor=left, disputed=bool(charge.get("disputed")))

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
        params: dict[str, Any] = {
            "payment_intent": payment.payment_id,
            "amount": amount_minor,
            "metadata": {"correlation_id": correlation_id, "usher_request": request, "reason": reason},
            "expand": ["charge"],
        }
        return _facts(payment, self._calls.call("post", "/v1/refunds", params, idempotency_key))

    def find(self, payment: PaymentSnapshot, *, request: str) -> BillingFacts | None:
        params = {"payment_intent": payment.payment_id, "expand": ["data.charge"]}
        for refund in self._calls.pages("/v1/refunds", params):
            if (refund.get("metadata") or {}).get("usher_request") == request:
                return _facts(payment, refund)
        return None


def _facts(payment: PaymentSnapshot, refund: dict[str, Any]) -> BillingFacts:
    after = payment.model_copy(update={"refunded_minor": refund["charge"]["amount_refunded"]})
    return BillingFacts(payments=(after,), refunds=(refund_of(refund, customer_id=payment.customer_id),))
