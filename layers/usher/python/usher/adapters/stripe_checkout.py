"""Checkouts by Stripe: Checkout Sessions for one customer and one plan.

Source: docs.stripe.com/api/checkout/sessions (read 2026-11).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from usher.adapters.stripe_billing import StripeBilling, metadata
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import VendorRejected
from usher.domain.plans import price_key
from usher.ports.checkout import CheckoutSnapshot


class StripeCheckouts:
    """Fulfils ports/checkout.py."""

    def __init__(self, calls: StripeCalls, billing: StripeBilling) -> None:
        self._calls, self._billing = calls, billing

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
        names = metadata(account_id, signup_id, correlation_id) | {"plan": plan}
        params: dict[str, Any] = {
            "mode": "subscription",
            "customer": customer_id,
            "client_reference_id": account_id,
            "metadata": names,  # of the session alone; what it makes carries its own
            "subscription_data": {"metadata": names},
            "success_url": return_url,
            "expires_at": int(expires_at.timestamp()),
        }
        if discount:
            params["discounts"] = [dict(discount)]
        with self._billing.prices.selling(price_key(plan, currency=currency)) as price:
            usage = self._billing.usage_of(plan, currency=currency)
            params["line_items"] = [{"price": price, "quantity": 1}, *usage]
            return checkout_of(self._calls.call("post", "/v1/checkout/sessions", params, idempotency_key))

    def find(self, checkout_id: str) -> CheckoutSnapshot:
        return checkout_of(self._calls.call("get", f"/v1/checkout/sessions/{checkout_id}"))

    def find_open(self, *, customer_id: str, signup_id: str) -> CheckoutSnapshot | None:
        params = {"customer": customer_id, "status": "open"}
        for session in self._calls.pages("/v1/checkout/sessions", params):
            if (session.get("metadata") or {}).get("signup_id") == signup_id:
                return checkout_of(session)
        return None

    def close(self, checkout_id: str) -> CheckoutSnapshot:
        try:
            return checkout_of(self._calls.call("post", f"/v1/checkout/sessions/{checkout_id}/expire"))
        except VendorRejected as error:
            if error.status != 400:  # 400: it is not open any more
                raise
            found = self.find(checkout_id)
            if found.status == "open":  # refused for another reason: it can still be paid
                raise
            return found


def checkout_of(session: Any) -> CheckoutSnapshot:
    """A Checkout Session as the port's snapshot."""
    return CheckoutSnapshot(
        checkout_id=session["id"],
        status=session["status"],
        payment_status=session["payment_status"],
        url=session.get("url"),
        subscription_id=_id(session.get("subscription")),
        customer_id=_id(session.get("customer")),
        payment_id=_id(session.get("payment_intent")),
        account_id=(session.get("metadata") or {}).get("account_id"),
    )


def _id(reference: Any) -> str | None:
    return str(reference["id"]) if isinstance(reference, dict) else reference
