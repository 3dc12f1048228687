"""Money that came past Stripe: payment records, attached to invoices.

`paid_out_of_band` would close an invoice whatever came; a payment record pays it in part or whole and
says how much (docs.stripe.com/api/payment-record, /api/invoices/attach_payment, read 2026-11).
"""

from datetime import datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_snapshots import invoice_of
from usher.domain.errors import KeySpent, VendorRejected
from usher.ports.billing_facts import BillingFacts, PaymentSnapshot

_EXPAND = {"expand": ["payments"]}


class StripeOutsideMoney:
    """Fulfils ports/outside_money.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def invoice(self, invoice_id: str) -> BillingFacts | None:
        try:
            return invoice_of(self._calls.call("get", f"/v1/invoices/{invoice_id}", _EXPAND))
        except VendorRejected as error:
            if error.status != 404:
                raise
            return None

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
        path = "/v1/payment_records"
        try:
            return str(self._calls.call("post", f"{path}/report_payment", params, idempotency_key)["id"])
        except KeySpent:
            for record in self._calls.pages(path, {"created_after": int(since.timestamp())}):
                if (record.get("metadata") or {}).get("offline_payment_id") == offline_payment_id:
                    return str(record["id"])
            raise

    def attach(
        self, invoice_id: str, payment_id: str, *, received_at: datetime, idempotency_key: str
    ) -> BillingFacts:
        path = f"/v1/invoices/{invoice_id}"
        params = {"payment_record": payment_id, **_EXPAND}
        try:
            invoice = self._calls.call("post", f"{path}/attach_payment", params, idempotency_key)
        except (VendorRejected, KeySpent):
            invoice = self._calls.call("get", path, _EXPAND)
            if _entry(invoice, payment_id) is None:
                raise
        facts, entry = invoice_of(invoice), _entry(invoice, payment_id)
        assert entry is not None
        (snapshot,) = facts.invoices
        payment = PaymentSnapshot(
            payment_id=payment_id,
            customer_id=snapshot.customer_id,
            invoice_id=invoice_id,
            amount_minor=entry["amount_paid"],
            currency=entry["currency"],
            status="succeeded",
            method="offline",
            paid_at=received_at,
            created_at=received_at,
        )
        others = tuple(each for each in facts.payments if each.payment_id != payment_id)
        return facts.model_copy(update={"payments": (*others, payment)})


def _entry(invoice: dict[str, Any], payment_id: str) -> dict[str, Any] | None:
    entries = (invoice.get("payments") or {}).get("data") or ()
    return next((each for each in entries if each["payment"].get("payment_record") == payment_id), None)
