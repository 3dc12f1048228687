"""A subscription and its items as Stripe shapes them."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.catalog import plan_of

PLAIN = ("description", "collection_method", "days_until_due", "off_session")


def item(
    subscription: str, price: Object, given: dict[str, Any], now: int, period: tuple[int, int]
) -> Object:
    """One item on `price`, with its own period."""
    return {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": now,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": merge_metadata({}, given.get("metadata")),
        "plan": plan_of(price),
        "price": price,
        "quantity": None if price["recurring"]["meter"] else given.get("quantity", 1),
        "subscription": subscription,
        "tax_rates": [],
    }


def subscription(id: str, customer: Object, items: list[Object], params: dict[str, Any], now: int) -> Object:
    """A subscription that nothing has been billed for; status `incomplete` until it is."""
    settings = {
        "payment_method_options": None,
        "payment_method_types": None,
        "save_default_payment_method": "off",
    }
    trial_settings = params.get("trial_settings") or {
        "end_behavior": {"missing_payment_method": "create_invoice"}
    }
    return {
        "id": id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": params.get("cancel_at"),
        "cancel_at_period_end": params.get("cancel_at_period_end", False),
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": params.get("collection_method", "charge_automatically"),
        "created": now,
        "currency": items[0]["price"]["currency"],
        "customer": customer["id"],
        "days_until_due": params.get("days_until_due"),
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": params.get("description"),
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": {
            "object": "list",
            "data": items,
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={id}",
        },
        "latest_invoice": None,
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": settings | (params.get("payment_settings") or {}),
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "status": "incomplete",
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": trial_settings,
        "trial_start": None,
    }
