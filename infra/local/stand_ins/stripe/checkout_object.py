"""A Checkout Session and its line items as Stripe shapes them."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id

BANK_AND_CARD = ["card", "us_bank_account"]


def line_item(price: Object, quantity: int | None, description: str) -> Object:
    """One line of a session or link, without discount; one billed by use has no quantity and no amount."""
    amount = (price["unit_amount"] or 0) * (quantity or 0)
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": description,
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def session(params: dict[str, Any], mode: str, items: list[Object], url: str, now: int) -> Object:
    """An open session from create parameters; `url` is the page's without the session's id."""
    id = new_id("checkout.session")
    total = sum(item["amount_total"] for item in items)
    creation = params.get("customer_creation") or {"subscription": "always"}.get(mode, "if_required")
    currency = items[0]["currency"] if items else params.get("currency")
    return {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "amount_subtotal": total if items else None,
        "amount_total": total if items else None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": custom_text(params.get("custom_text")),
        "customer": params.get("customer"),
        "customer_creation": None if "customer" in params or mode == "setup" else creation,
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": params["expires_at"],
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": merge_metadata({}, params.get("metadata")),
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": params.get("payment_link"),
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": BANK_AND_CARD,
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "phone_number_collection": params.get("phone_number_collection") or {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if items else None,
        "ui_mode": "hosted_page",
        "url": f"{url}/{id}",
        "wallet_options": None,
    }


def custom_text(given: dict[str, Any] | None) -> Object:
    """All four texts; those not given, or given as empty, are None."""
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {name: (given or {}).get(name) or None for name in names}


def customer_details(customer: Object | None, form: dict[str, str]) -> Object:
    """Who paid: what the customer object says, else what was typed on the page."""
    held = customer or {}
    name = held.get("name") or form.get("name") or None
    return {
        "address": held.get("address") or None,
        "email": held.get("email") or form.get("email") or None,
        "name": name,
        "phone": held.get("phone") or form.get("phone") or None,
        "tax_exempt": held.get("tax_exempt", "none"),
        "tax_ids": [],
    }
