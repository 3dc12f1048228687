"""Statuses in the few words of seed 4, section 4, which people and reports outside speak in.

Ours are the payment vendor's own, because they say more; each has one plain word here.
"""

from typing import Literal

from usher.domain.subscription_changes import Row

PlainSubscription = Literal["trial", "active", "past_due", "canceled"]
PlainInvoice = Literal["draft", "paid", "failed", "refunded"]
PlainPayment = Literal["pending", "succeeded", "failed", "refunded"]
PlainAccount = Literal["active", "suspended", "canceled"]

SUBSCRIPTIONS: dict[str, PlainSubscription] = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "incomplete": "past_due",  # the first payment is owed
    "paused": "past_due",  # a trial that ended without a payment method: it goes on once there is one
    "canceled": "canceled",
    "incomplete_expired": "canceled",
}
INVOICES: dict[str, PlainInvoice] = {
    "draft": "draft",
    "open": "draft",  # until somebody has tried to pay it: `invoice_status`
    "paid": "paid",
    "uncollectible": "failed",
    "void": "failed",  # nothing was or will be paid
}
PAYMENTS: dict[str, PlainPayment] = {
    "open": "pending",
    "processing": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
ACCOUNTS: dict[str, PlainAccount] = {
    "pending": "suspended",  # not active yet
    "active": "active",
    "suspended": "suspended",
    "closed": "canceled",
}


def invoice_status(row: Row, *, refunded_minor: int = 0) -> PlainInvoice:
    """Of an invoice on record: an open one that was tried has failed, one of which all went back is refunded.

    `refunded_minor` is what its payments gave back.
    """
    paid = row["amount_paid_minor"]
    if row["status"] == "paid" and 0 < paid <= refunded_minor:
        return "refunded"
    return "failed" if row["status"] == "open" and row.get("attempts") else INVOICES[row["status"]]


def payment_status(row: Row) -> PlainPayment:
    """Of a payment on record: one of which all went back is refunded."""
    if row["status"] == "succeeded" and row.get("refunded_minor", 0) >= row["amount_minor"]:
        return "refunded"
    return PAYMENTS[row["status"]]
