"""Money that came past Stripe: payment records, attached to invoices.

`paid_out_of_band` would close an invoice whatever came; a payment record pays it in part or whole and
says how much (docs.stripe.com/api/payment-record, /api/invoices/attach_payment, read 2026-11).
"""

from datetime import datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_looks import StripeLooks
from usher.domain.errors import VendorUnavailable
from usher.ports.billing_facts import BillingFacts


class StripeOutsideMoney:
    """Fulfils ports/outside_money.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls, self._looks = calls, StripeLooks(calls)

    def invoice(self, invoice_id: str) -> BillingFacts | None:
        return self._looks.fetch("invoice", invoice_id)

    def report(
        self,
        *,
        customer_id: str,
        amount_minor: int,
        currency: str,
        received_at: datetime,
        reference: str,
        offline_payment_id: str,
        since: datetime,
        idempotency_key: str,
    ) -> str:
        path = "/v1/payment_records"
        for record in self._calls.pages(path, {"created_after": int(since.timestamp())}):
            if (record.get("metadata") or {}).get("offline_payment_id") == offline_payment_id:
                return str(record["id"])
        at = int(received_at.timestamp())
        params: dict[str, Any] = {
            "amount_requested": {"value": amount_minor, "currency": currency},
            "customer_details": {"customer": customer_id},
            "guaranteed": {"guaranteed_at": at},
            "initiated_at": at,
            "metadata": {"offline_payment_id": offline_payment_id},
            "outcome": "guaranteed",
            "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank transfer"}},
            "processor_details": {"type": "custom", "custom": {"payment_reference": reference}},
        }
        return str(self._calls.call("post", f"{path}/report_payment", params, idempotency_key)["id"])

    def attach(
        self, invoice_id: str, payment_id: str, *, received_at: datetime, idempotency_key: str
    ) -> BillingFacts:
        path = f"/v1/invoices/{invoice_id}/attach_payment"
        attached = self._attached(invoice_id, payment_id, received_at)  # by a former try, however long ago
        if attached is None:
            self._calls.call("post", path, {"payment_record": payment_id}, idempotency_key)
            attached = self._attached(invoice_id, payment_id, received_at)
        if attached is None:
            raise VendorUnavailable("stripe: the payment is attached and not shown yet")
        return attached

    def _attached(self, invoice_id: str, payment_id: str, received_at: datetime) -> BillingFacts | None:
        facts = self._looks.fetch("invoice", invoice_id)
        payments = {payment.payment_id: payment for payment in facts.payments} if facts else {}
        if facts is None or payment_id not in payments:
            return None
        payments[payment_id] = payments[payment_id].model_copy(update={"paid_at": received_at})
        return facts.model_copy(update={"payments": tuple(payments.values())})
