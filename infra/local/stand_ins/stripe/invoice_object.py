"""An invoice and its parts as Stripe shapes them, before anything has happened to them."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import new_id
from infra.local.stand_ins.stripe.catalog import price_details
from infra.local.stand_ins.stripe.periods import DAY


def line(subscription: Object, item: Object, amount: int, description: str, invoice: str) -> Object:
    """A subscription item's line for the item's current period."""
    price = item["price"]
    details = {"invoice_item": None, "proration": False, "proration_details": None}
    details |= {"subscription": subscription["id"], "subscription_item": item["id"]}
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": subscription["metadata"],
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": details,
            "type": "subscription_item_details",
        },
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pretax_credit_amounts": [],
        "pricing": price_details(price),
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }


def line_of_item(item: Object, invoice: str) -> Object:
    """The line that a pending invoice item becomes."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    credited = (item["proration_details"] or {}).get("credited_items") or {}
    parent: Object = {"invoice_item": item["id"], "proration": item["proration"]}
    parent |= {"proration_details": {"credited_items": credited.get("invoice_line_item_details")}}
    parent["subscription"] = details.get("subscription")
    of_item = bool(details.get("subscription_item"))
    kind = "subscription_item_details" if of_item else "invoice_item_details"
    parents: Object = {"invoice_item_details": None, "subscription_item_details": None, "type": kind}
    parents[kind] = parent | ({"subscription_item": details["subscription_item"]} if of_item else {})
    names = ("amount", "currency", "description", "discountable", "livemode", "metadata", "period", "pricing")
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        **{name: item[name] for name in names},
        "discount_amounts": [],
        "discounts": [],
        "invoice": invoice,
        "parent": parents,
        "pretax_credit_amounts": [],
        "quantity": item["quantity"],
        "subtotal": item["amount"],
        "taxes": [],
    }


def draft(
    id: str,
    customer: Object,
    currency: str,
    lines: list[Object],
    now: int,
    subscription: Object | None,
    reason: str,
    discounts: list[Object],
) -> Object:
    """A draft invoice over `lines` less its `total_discount_amounts`; of a subscription, or a manual one."""
    subtotal = sum(each["amount"] for each in lines)
    total = subtotal - sum(each["amount"] for each in discounts)
    parent: Any = None
    days = subscription["days_until_due"] if subscription else None
    due = now + days * DAY if days is not None else None
    period = (now, now)
    if subscription:
        details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
        parent = {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
    return {
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Usher on one machine",
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": subscription["collection_method"] if subscription else "charge_automatically",
        "created": now,
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [each["discount"] for each in discounts],
        "due_date": due,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "lines": {
            "object": "list",
            "data": lines,
            "has_more": False,
            "url": f"/v1/invoices/{id}/lines",
        },
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "parent": parent,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period[1],
        "period_start": period[0],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "test_clock": customer["test_clock"],
        "total": total,
        "total_discount_amounts": discounts,
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": now,
    }


def payment(invoice: Object, by: dict[str, str], amount: int, now: int) -> Object:
    """The link between an invoice and what pays it, `by` payment intent (the default) or payment record."""
    (kind,) = by
    return {
        "id": new_id("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": amount,
        "created": now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": kind == "payment_intent",
        "livemode": False,
        "payment": {**by, "type": kind},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def describe(invoice: Object) -> str:
    """What the invoice's payment says it is for."""
    first = invoice["billing_reason"] == "subscription_create"
    return "Subscription creation" if first else "Subscription update"
