"""Refunds at Stripe: what is left of a PaymentIntent's charge, and giving it back in whole or part.

Source: docs.stripe.com/api/refunds (read 2026-11).
"""

from datetime import UTC, datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_snapshots import payment_of
from usher.domain.errors import VendorRejected
from usher.ports.billing_facts import BillingFacts, PaymentSnapshot, RefundSnapshot
from usher.ports.refunds import Refundable


class StripeRefunds:
    """Fulfils ports/refunds.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def refundable(self, payment_id: str) -> Refundable | None:
        path = f"/v1/payment_intents/{payment_id}"
        try:
            intent = self._calls.call("get", path, {"expand": ["latest_charge"]})
        except VendorRejected as error:
            if error.status != 404:
                raise
            return None
        charge = intent.get("latest_charge") or {}
        left = charge.get("amount_captured", 0) - charge.get("amount_refunded", 0)
        payment = payment_of(intent).model_copy(update=_of_charge(charge))
        return Refundable(payment=payment, left_minor=left, disputed=bool(charge.get("disputed")))

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
    charge = refund["charge"]
    after = payment.model_copy(update=_of_charge(charge))
    made = RefundSnapshot(
        refund_id=refund["id"],
        payment_id=payment.payment_id,
        charge_id=charge["id"],
        customer_id=payment.customer_id,
        amount_minor=refund["amount"],
        currency=refund["currency"],
        status=refund["status"],
        reason=(refund.get("metadata") or {}).get("reason") or refund.get("reason"),
        created_at=datetime.fromtimestamp(refund["created"], UTC),
    )
    return BillingFacts(payments=(after,), refunds=(made,))


def _of_charge(charge: dict[str, Any]) -> dict[str, Any]:
    if not charge:
        return {}
    return {"charge_id": charge["id"], "refunded_minor": charge["amount_refunded"]}
