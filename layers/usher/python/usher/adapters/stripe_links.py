"""Payment links by Stripe: single-use Payment Links and the Checkout Sessions they open.

Sources: docs.stripe.com/api/payment-link, /payment-links/api, /api/checkout/sessions (read 2026-11).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import KeySpent, VendorRejected
from usher.domain.payment_links import Offer
from usher.ports.links import LinkCheckout, LinkSnapshot

# Three levels: Stripe expands four at most.
_PAID = ["data.payment_intent.latest_charge", "data.subscription.latest_invoice.payments"]
_UNDER_WAY = frozenset({"processing", "requires_capture", "requires_action"})
MAX_TEXT = 500  # characters of a description; Stripe takes more, nobody reads it


class StripePaymentLinks:
    """Fulfils ports/links.py."""

    def __init__(self, calls: StripeCalls, billing: StripeBilling) -> None:
        self._calls, self._billing = calls, billing

    def create(
        self,
        offer: Offer,
        *,
        metadata: Mapping[str, str],
        description: str,
        note: str,
        idempotency_key: str,
    ) -> LinkSnapshot:
        # A link's metadata reach its checkout only; what the checkout makes carries its own.
        own = {"metadata": dict(metadata), "description": description[:MAX_TEXT]}
        params: dict[str, Any] = {
            "metadata": dict(metadata),
            "restrictions": {"completed_sessions": {"limit": 1}},
            "custom_text": {"submit": {"message": note[:MAX_TEXT]}},
            "inactive_message": "This link was paid or has ended. Ask us for a new one if you need it.",
        }
        if offer.plan:
            params["subscription_data"] = own
        else:
            params |= {"payment_intent_data": own, "customer_creation": "always"}
        with self._item(offer) as item:
            params["line_items"] = [item]
            return _link(self._calls.call("post", "/v1/payment_links", params, idempotency_key))

    def find(self, signup_id: str) -> LinkSnapshot | None:
        for link in self._calls.pages("/v1/payment_links", {"active": True}):
            if (link.get("metadata") or {}).get("signup_id") == signup_id:
                return _link(link)
        return None

    def close(self, link_id: str) -> None:
        self._calls.call("post", f"/v1/payment_links/{link_id}", {"active": False})
        # A page that was opened before can still be paid.
        for session in self._calls.pages(
            "/v1/checkout/sessions", {"payment_link": link_id, "status": "open"}
        ):
            path = f"/v1/checkout/sessions/{session['id']}"
            try:
                self._calls.call("post", f"{path}/expire")
            except VendorRejected as error:
                # 400: it is not open any more, or is refused for another reason and can still be paid.
                if error.status != 400 or self._calls.call("get", path)["status"] == "open":
                    raise

    def checkouts(self, link_id: str) -> list[LinkCheckout]:
        params = {"payment_link": link_id, "expand": _PAID}
        found = [self._checkout(each) for each in self._calls.pages("/v1/checkout/sessions", params)]
        return sorted(found, key=lambda each: (each.created_at, each.checkout_id))

    def signup_of(self, checkout_id: str) -> str | None:
        try:
            session = self._calls.call("get", f"/v1/checkout/sessions/{checkout_id}")
        except VendorRejected as error:
            if error.status != 404:
                raise
            return None
        return (session.get("metadata") or {}).get("signup_id") if session.get("payment_link") else None

    def mark_customer(self, customer_id: str, *, metadata: Mapping[str, str], idempotency_key: str) -> None:
        path, params = f"/v1/customers/{customer_id}", {"metadata": dict(metadata)}
        try:
            self._calls.call("post", path, params, idempotency_key)
        except KeySpent:  # it may be done any number of times; the key says only whose event comes of it
            self._calls.call("post", path, params)

    @contextmanager
    def _item(self, offer: Offer) -> Iterator[dict[str, Any]]:
        if offer.plan:
            with self._billing.prices.selling(offer.plan) as price:
                yield {"price": price, "quantity": 1}
            return
        own_price = {
            "currency": offer.currency,
            "unit_amount": offer.amount_minor,
            "product_data": {"name": offer.title},
        }
        yield {"price_data": own_price, "quantity": 1}

    def _checkout(self, session: Any) -> LinkCheckout:
        who = session.get("customer_details") or {}
        payment, subscription = session.get("payment_intent"), session.get("subscription")
        return LinkCheckout(
            checkout_id=session["id"],
            state=self._state(session),
            created_at=_moment(session["created"]),
            amount_minor=session["amount_total"] or 0,
            currency=session["currency"],
            customer_id=session.get("customer"),
            subscription_id=subscription["id"] if subscription else None,
            payment_id=payment["id"] if payment else None,
            paid_at=_paid_at(payment, subscription),
            email=who.get("email"),
            name=who.get("name"),
            phone=who.get("phone"),
        )

    def _state(self, session: Any) -> Any:
        if session["status"] != "complete":
            return session["status"]
        if session["payment_status"] != "unpaid":
            return "paid"
        return "processing" if self._intent(session)["status"] in _UNDER_WAY else "failed"

    def _intent(self, session: Any) -> Any:
        """The payment of a completed session; that of an invoice would be a fifth level to expand."""
        if session.get("payment_intent"):
            return session["payment_intent"]
        entries = session["subscription"]["latest_invoice"]["payments"]["data"]
        id = entries[0]["payment"]["payment_intent"]
        return self._calls.call("get", f"/v1/payment_intents/{id}")


def _paid_at(payment: Any, subscription: Any) -> datetime | None:
    if payment:
        charge = payment.get("latest_charge")
        return _moment(charge["created"]) if charge and payment["status"] == "succeeded" else None
    invoice = (subscription or {}).get("latest_invoice") or {}
    at = (invoice.get("status_transitions") or {}).get("paid_at")
    return _moment(at) if at else None


def _link(link: Any) -> LinkSnapshot:
    return LinkSnapshot(link_id=link["id"], url=link["url"], active=link["active"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
