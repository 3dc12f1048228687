"""Stripe's customers, subscriptions with all that hangs on them, and payments, as the port's snapshots.

With the modules beside it this is the one place that knows their shapes. They come as the plain JSON of the
answer: building the SDK's typed objects took two thirds of a call's CPU, and every field is read once.
"""

from typing import Any

from usher.adapters.stripe_fields import get, id_of, moment, whole
from usher.adapters.stripe_invoices import invoice_snapshot
from usher.adapters.stripe_prices import NONE, Prices, price_of
from usher.adapters.stripe_reversals import refund_of
from usher.adapters.stripe_subscriptions import subscription_of
from usher.ports.billing_facts import (
    BillingFacts,
    CustomerSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    PaymentStatus,
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
    """A deleted customer carries its id alone. Stripe's balance is what they owe, ours what we owe them."""
    if customer.get("deleted"):
        return CustomerSnapshot(customer_id=customer["id"], account_id=None, email=None, deleted=True)
    method = get(customer, "invoice_settings", "default_payment_method")
    card = None if isinstance(method, str) else get(method, "card")
    return CustomerSnapshot(
        customer_id=customer["id"],
        account_id=get(customer, "metadata", "account_id"),
        email=customer.get("email"),
        delinquent=bool(get(customer, "delinquent")),
        credit_balance_minor=-(get(customer, "balance") or 0),
        currency=get(customer, "currency"),
        has_payment_method=method is not None,
        card_fingerprint=get(card, "fingerprint"),
    )


def facts_of(subscription: Any, prices: Prices = NONE) -> BillingFacts:
    """The subscription with its latest invoice and that invoice's payments, as far as they were expanded.

    `prices` are those that it is not on: its former and its scheduled one.
    """
    own = (item["price"] for item in subscription["items"]["data"])
    prices = {**prices, **{price["id"]: price_of(price) for price in own}}
    snapshot = subscription_of(subscription, prices)
    invoice = whole(subscription, "latest_invoice")
    if invoice is None:
        return BillingFacts(subscription=snapshot)
    first = invoice_of(invoice, prices)
    return BillingFacts(subscription=snapshot, invoices=first.invoices, payments=first.payments)


def invoice_of(invoice: Any, prices: Prices = NONE) -> BillingFacts:
    """The invoice and its payments, as far as they were expanded; `prices` are those on its lines."""
    snapshot = invoice_snapshot(invoice, prices)
    payments = tuple(
        _invoice_payment(entry, snapshot)
        for entry in get(invoice, "payments", "data") or ()
        if get(entry, "payment", "payment_intent") or get(entry, "payment", "payment_record")
    )
    return BillingFacts(invoices=(snapshot,), payments=payments)


def payment_of(intent: Any, *, invoice_id: str | None = None, charge: Any = None) -> PaymentSnapshot:
    """A payment whose last try failed waits for another method at Stripe; for us that try has failed.

    `charge` is its latest, where it was asked for and is not expanded in the payment itself.
    """
    error = get(intent, "last_payment_error")
    status = _PAYMENT_STATUS.get(intent["status"], "failed" if error else "open")
    charge = charge or whole(intent, "latest_charge")
    used = get(charge, "payment_method_details") or whole(error, "payment_method")
    return PaymentSnapshot(
        payment_id=intent["id"],
        customer_id=id_of(get(intent, "customer")),
        invoice_id=invoice_id,
        amount_minor=intent["amount"],
        currency=intent["currency"],
        status=status,
        method=get(used, "type") or _method(intent),
        charge_id=id_of(get(intent, "latest_charge")),
        card_brand=get(used, "card", "brand"),
        card_country=get(used, "card", "country"),
        fee_minor=_fee(whole(charge, "balance_transaction"), intent["currency"]),
        refunded_minor=get(charge, "amount_refunded"),
        paid_at=moment(get(charge, "created")) if status == "succeeded" else None,
        failure_code=get(error, "decline_code") or get(error, "code"),
        failure_reason=get(error, "message"),
        created_at=moment(intent["created"]),
        account_id=get(intent, "metadata", "account_id"),
        signup_id=get(intent, "metadata", "signup_id"),
    )


def charge_facts(charge: Any) -> BillingFacts:
    """A charge's payment and refunds; one that no payment made (before 2019) tells of its refunds alone."""
    intent = whole(charge, "payment_intent")
    customer_id = id_of(get(charge, "customer"))
    refunds = get(charge, "refunds", "data") or ()
    latest = intent is not None and id_of(get(intent, "latest_charge")) == charge["id"]
    return BillingFacts(
        payments=(payment_of(intent, charge=charge if latest else None),) if intent else (),
        refunds=tuple(refund_of(refund, customer_id=customer_id) for refund in refunds),
    )


def _invoice_payment(entry: Any, invoice: InvoiceSnapshot) -> PaymentSnapshot:
    """A payment of an invoice: from its PaymentIntent where that was expanded, else from the entry itself."""
    intent, record = get(entry, "payment", "payment_intent"), id_of(get(entry, "payment", "payment_record"))
    if intent is not None and not isinstance(intent, str):
        return payment_of(intent, invoice_id=invoice.invoice_id)
    return PaymentSnapshot(
        payment_id=intent or record,
        customer_id=invoice.customer_id,
        invoice_id=invoice.invoice_id,
        amount_minor=entry["amount_requested"] if intent else entry["amount_paid"],
        currency=entry["currency"],
        status=_ENTRY_STATUS.get(entry["status"], "processing"),
        method=None if intent else "offline",
        created_at=moment(entry["created"]),
    )


def _fee(moved: Any, currency: str) -> int | None:
    """The fee as far as it is in the payment's currency: Stripe takes it in the one that it settles in."""
    return get(moved, "fee") if get(moved, "currency") == currency else None


def _method(intent: Any) -> str | None:
    types = get(intent, "payment_method_types")
    return types[0] if types and len(types) == 1 else None  # of several, the charge alone says which it was
