"""A charge as Stripe shapes it."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import new_id
from infra.local.stand_ins.stripe.cards import Decline


def charge_of(intent: Object, method: Object, decline: Decline | None, now: int) -> Object:
    """The charge that an attempt to pay `intent` leaves; of a refused one `decline` says why. Not stored."""
    paid = decline is None
    details = {"type": method["type"], method["type"]: _charged_with(method)}
    accepted = {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
    accepted["seller_message"] = "Payment complete."
    refused: dict[str, Any] = {"network_status": "declined_by_network", "type": "issuer_declined"}
    if decline:
        refused |= {"reason": decline.decline_code, "advice_code": decline.advice_code}
        refused["seller_message"] = "The bank did not return any further details with this decline."
    return {
        "id": new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "captured": paid,
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": {"risk_level": "normal", "risk_score": 20, **(accepted if paid else refused)},
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details,
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "status": "succeeded" if paid else "failed",
    }


def _charged_with(method: Object) -> Object:
    if method["type"] != "card":
        held = method["us_bank_account"]
        return {name: held[name] for name in ("account_holder_type", "account_type", "bank_name", "last4")}
    names = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "wallet",
    )
    return {name: method["card"][name] for name in names} | {"three_d_secure": None}
