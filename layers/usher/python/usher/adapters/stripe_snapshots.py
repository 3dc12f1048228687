"""Stripe's objects as the billing port's snapshots: the one place that knows their shapes.

Since API version basil the paid period is on the subscription's item, and an invoice names its payments
in a list of invoice payments instead of one payment_intent (Stripe changelog 2025-03-31).

They come as the plain JSON of the answer: building the SDK's typed objects took two thirds of a call's CPU,
and every field that is read here is read once.
"""

from datetime import UTC, datetime
from typing import Any

from usher.ports.billing_facts import (
    BillingFacts,
    CustomerSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    PaymentStatus,
    SubscriptionSnapshot,
)

_PAYMENT_STATUS: dict[str, PaymentStatus] = {
    "succeeded": "succeeded",
    "canceled": "canceled",
    "processing": "processing",
    "requires_capture": "processing",
    "requires_action": "requires_action",
    "requires_confirmation": "requires_action",
}

_ENTRY_STATUS: dict[str, PaymentStatus] = {"paid": "succeeded", "canceled": "canceled"}


def customer_of(customer: Any) -> CustomerSnapshot:
    """A deleted customer carries its id alone."""
    if customer.get("deleted"):
        return CustomerSnapshot(customer_id=customer["id"], account_id=None, email=None, deleted=True)
    method = _get(customer.get("invoice_settings"), "default_payment_method")
    card = None if method is None or isinstance(method, str) else method.get("card")
    return CustomerSnapshot(
        customer_id=customer["id"],
        account_id=_get(customer.get("metadata"), "account_id"),
        email=customer.get("email"),
        delinquent=bool(_get(customer, "delinquent")),
        has_payment_method=method is not None,
        card_fingerprint=_get(card, "fingerprint"),
    )


def facts_of(subscription: Any) -> BillingFacts:
    """The subscription with its latest invoice and that invoice's payments, as far as they were expanded."""
    snapshot = _subscription(subscription)
    invoice = _get(subscription, "latest_invoice")
    if invoice is None or isinstance(invoice, str):
        return BillingFacts(subscription=snapshot)
    first = invoice_of(invoice)
    return BillingFacts(subscription=snapshot, invoices=first.invoices, payments=first.payments)


def invoice_of(invoice: Any) -> BillingFacts:
    """The invoice and its payments, as far as they were expanded."""
    parent = _get(_get(invoice, "parent"), "subscription_details")
    subscription = _get(parent, "subscription")
    snapshot = InvoiceSnapshot(
        invoice_id=invoice["id"],
        customer_id=_id(invoice["customer"]),
        subscription_id=_id(subscription) if subscription else None,
        status=invoice["status"],
        currency=invoice["currency"],
        amount_due_minor=invoice["amount_due"],
        amount_paid_minor=invoice["amount_paid"],
        hosted_url=_get(invoice, "hosted_invoice_url"),
        due_at=_moment(_get(invoice, "due_date")),
        paid_at=_moment(_get(_get(invoice, "status_transitions"), "paid_at")),
        created_at=_moment(invoice["created"]),
        account_id=_get(_get(parent, "metadata"), "account_id"),
    )
    payments = tuple(
        _invoice_payment(entry, snapshot)
        for entry in _get(_get(invoice, "payments"), "data") or ()
        if _get(_get(entry, "payment"), "payment_intent")
    )
    return BillingFacts(invoices=(snapshot,), payments=payments)


def payment_of(intent: Any, *, invoice_id: str | None = None) -> PaymentSnapshot:
    """A payment whose last try failed waits for another method at Stripe; for us that try has failed."""
    error = _get(intent, "last_payment_error")
    status = _PAYMENT_STATUS.get(intent["status"], "failed" if error else "open")
    return PaymentSnapshot(
        payment_id=intent["id"],
        customer_id=_id(intent["customer"]) if _get(intent, "customer") else None,
        invoice_id=invoice_id,
        amount_minor=intent["amount"],
        currency=intent["currency"],
        status=status,
        method=_method(intent),
        failure_code=_get(error, "decline_code") or _get(error, "code"),
        failure_reason=_get(error, "message"),
        created_at=_moment(intent["created"]),
        account_id=_get(intent.get("metadata"), "account_id"),
        signup_id=_get(intent.get("metadata"), "signup_id"),
    )


def _invoice_payment(entry: Any, invoice: InvoiceSnapshot) -> PaymentSnapshot:
    """A payment of an invoice: from its PaymentIntent where that was expanded, else from the entry itself."""
    intent = entry["payment"]["payment_intent"]
    if not isinstance(intent, str):
        return payment_of(intent, invoice_id=invoice.invoice_id)
    status = _ENTRY_STATUS.get(entry["status"], "processing")
    return PaymentSnapshot(
        payment_id=intent,
        customer_id=invoice.customer_id,
        invoice_id=invoice.invoice_id,
        amount_minor=entry["amount_requested"],
        currency=entry["currency"],
        status=status,
        created_at=_moment(entry["created"]),
    )


def _subscription(subscription: Any) -> SubscriptionSnapshot:
    item = subscription["items"]["data"][0]
    return SubscriptionSnapshot(
        subscription_id=subscription["id"],
        customer_id=_id(subscription["customer"]),
        plan=plan_of(item["price"]),
        price_id=item["price"]["id"],
        quantity=_get(item, "quantity") or 1,
        status=subscription["status"],
        current_period_start=_moment(item["current_period_start"]),
        current_period_end=_moment(item["current_period_end"]),
        trial_end=_moment(_get(subscription, "trial_end")),
        cancel_at_period_end=bool(_get(subscription, "cancel_at_period_end")),
        canceled_at=_moment(_get(subscription, "canceled_at")),
        started_at=_moment(subscription["start_date"]),
        account_id=_get(subscription.get("metadata"), "account_id"),
        signup_id=_get(subscription.get("metadata"), "signup_id"),
    )


def plan_of(price: Any) -> str | None:
    """The plan a price is of: an archived one has given its lookup key away, and its metadata still tells."""
    plan: str | None = _get(_get(price, "metadata"), "plan") or _get(price, "lookup_key")
    return plan


def _method(intent: Any) -> str | None:
    types = _get(intent, "payment_method_types")
    return types[0] if types else None


def _get(thing: Any, name: str) -> Any:
    """A field that may be absent, of an object that may be absent."""
    return None if thing is None else thing.get(name)


def _id(reference: Any) -> str:
    """The id of a reference that may or may not be expanded."""
    return reference if isinstance(reference, str) else str(reference["id"])


def _moment(seconds: int | None) -> Any:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
