"""Undoing what was made at Stripe: refund, cancel, void, delete or mark; each call may be repeated.

Sources: docs.stripe.com/api/refunds, /subscriptions/cancel, /customers/delete (read 2026-11).
"""

from typing import Any

from usher.adapters.stripe_billing import FACTS
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_snapshots import facts_of, invoice_of, payment_of
from usher.domain.errors import KeySpent, VendorRejected
from usher.ports.billing_facts import BillingFacts, PaymentSnapshot

_NOTHING_LEFT = frozenset({"charge_already_refunded", "charge_not_refundable"})
_KEYS = 20  # more than the tries of any step or queue
_ENDED = frozenset({"canceled", "incomplete_expired"})


class StripeCloser:
    """Fulfils ports/closing.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def payments_of(self, customer_id: str) -> list[PaymentSnapshot]:
        return [
            payment_of(each) for each in self._calls.pages("/v1/payment_intents", {"customer": customer_id})
        ]

    def refund(self, payment_id: str, *, correlation_id: str, idempotency_key: str) -> str:
        params: dict[str, Any] = {
            "payment_intent": payment_id,
            "metadata": {"correlation_id": correlation_id},
        }
        # A failure that Stripe has stored under a key comes back for a day. Another key is safe here: what is
        # refunded is what is left, and that may be nothing.
        for key in (idempotency_key, *(f"{idempotency_key}/{n}" for n in range(2, _KEYS + 1))):
            try:
                return str(self._calls.call("post", "/v1/refunds", params, key)["id"])
            except KeySpent:
                continue
            except VendorRejected as error:
                if error.code not in _NOTHING_LEFT:
                    raise
                return ""
        raise KeySpent("refund: each of its keys holds a stored failure; again tomorrow")

    def cancel_subscription(self, subscription_id: str, *, idempotency_key: str) -> BillingFacts | None:
        path = f"/v1/subscriptions/{subscription_id}"
        try:
            found = self._calls.call("get", path, {"expand": FACTS})
            if found["status"] not in _ENDED:
                params = {"invoice_now": False, "prorate": False}
                self._calls.call("delete", path, params, idempotency_key)
        except VendorRejected as error:
            if error.status != 404:
                raise
            return None
        self.void_invoices(subscription_id)
        return facts_of(self._calls.call("get", path, {"expand": FACTS}))

    def void_invoices(self, subscription_id: str) -> None:
        for invoice in self._calls.pages("/v1/invoices", {"subscription": subscription_id, "status": "open"}):
            self._void(invoice["id"])

    def delete_customer(self, customer_id: str) -> None:
        try:
            self._calls.call("delete", f"/v1/customers/{customer_id}")
        except VendorRejected as error:
            if error.status != 404:
                raise

    def mark_closed(self, customer_id: str, *, reason: str) -> None:
        marks = {"usher_closed": "true", "usher_closed_reason": reason[:500]}
        self._calls.call("post", f"/v1/customers/{customer_id}", {"metadata": marks})

    def _void(self, invoice_id: str) -> None:
        path = f"/v1/invoices/{invoice_id}"
        try:
            self._calls.call("post", f"{path}/void")
        except VendorRejected:
            # It was paid or voided in the meantime, or a bank debit is under way, which nothing stops: what
            # comes of that is paid back when it comes (usecases/settle_payment.py).
            invoice = self._calls.call("get", path, {"expand": ["payments.data.payment.payment_intent"]})
            under_way = any(each.status == "processing" for each in invoice_of(invoice).payments)
            if invoice["status"] == "open" and not under_way:
                raise
