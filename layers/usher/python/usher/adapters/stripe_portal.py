"""The customer portal by Stripe. Source: docs.stripe.com/api/customer_portal/sessions (read 2026-11)."""

from usher.adapters.stripe_calls import StripeCalls


class StripePortal:
    """Fulfils ports/portal.py. What customers may do there is configured at Stripe."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def open(self, *, customer_id: str, return_url: str, idempotency_key: str) -> str:
        params = {"customer": customer_id, "return_url": return_url}
        return str(self._calls.call("post", "/v1/billing_portal/sessions", params, idempotency_key)["url"])
