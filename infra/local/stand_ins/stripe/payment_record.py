"""A payment record as Stripe shapes it: money that came outside of Stripe."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import new_id


def payment_record(amount: int, currency: str, now: int, customer: dict[str, Any]) -> Object:
    """A guaranteed payment of `amount` minor units; not stored."""
    paid, nothing = {"currency": currency, "value": amount}, {"currency": currency, "value": 0}
    details = dict.fromkeys(("customer", "email", "name", "phone")) | customer
    return {
        "id": new_id("payment_record"),
        "object": "payment_record",
        "amount": paid,
        "amount_authorized": nothing,
        "amount_canceled": nothing,
        "amount_failed": nothing,
        "amount_guaranteed": paid,
        "amount_refunded": nothing,
        "amount_requested": paid,
        "application": None,
        "created": now,
        "customer_details": details,
        "customer_presence": None,
        "description": None,
        "latest_payment_attempt_record": None,
        "livemode": False,
        "metadata": {},
        "payment_method_details": None,
        "processor_details": {"custom": None, "type": "custom"},
        "reported_by": "self",
        "shipping_details": None,
    }
