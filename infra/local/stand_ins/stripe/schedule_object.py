"""A subscription schedule and its phases as Stripe shapes them."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import new_id

_SETTINGS: Object = {
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "days_until_due": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    },
    "on_behalf_of": None,
    "transfer_data": None,
}


def schedule(subscription: Object, now: int) -> Object:
    """An active schedule whose one phase is the subscription's current period."""
    first = subscription["items"]["data"][0]
    period = (first["current_period_start"], first["current_period_end"])
    items = [phase_item(item["price"], item["quantity"], {}) for item in subscription["items"]["data"]]
    only = phase(subscription["currency"], items, period, {})
    only["discounts"] = [
        {"coupon": None, "discount": id, "promotion_code": None} for id in subscription["discounts"]
    ]
    return {
        "id": new_id("subscription_schedule"),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": subscription["billing_mode"],
        "canceled_at": None,
        "completed_at": None,
        "created": now,
        "current_phase": {"start_date": period[0], "end_date": period[1]},
        "customer": subscription["customer"],
        "default_settings": _SETTINGS,
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "pause_schedules": [],
        "phases": [only],
        "released_at": None,
        "released_subscription": None,
        "status": "active",
        "subscription": subscription["id"],
        "test_clock": subscription["test_clock"],
    }


def phase(currency: str, items: list[Object], period: tuple[int, int], given: dict[str, Any]) -> Object:
    """One phase over `items`."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "automatic_tax": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": given.get("description"),
        "discounts": [],
        "end_date": period[1],
        "invoice_settings": None,
        "items": items,
        "metadata": given.get("metadata") or {},
        "on_behalf_of": None,
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
        "start_date": period[0],
        "transfer_data": None,
        "trial": None,
        "trial_end": None,
    }


def phase_item(price: Object, quantity: int | None, metadata: dict[str, str]) -> Object:
    """What a phase has the subscription be over."""
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": metadata,
        "plan": price["id"],
        "price": price["id"],
        "quantity": quantity,
        "tax_rates": [],
    }
