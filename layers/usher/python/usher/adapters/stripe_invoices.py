"""Stripe's invoice as a snapshot with its lines.

Since API version basil an invoice names its payments in a list of invoice payments instead of one
payment_intent, and its lines name their price by its id (Stripe changelog 2025-03-31).
"""

from collections.abc import Iterator
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_fields import get, id_of, moment
from usher.adapters.stripe_prices import Price, Prices
from usher.ports.billing_facts import InvoiceLine, InvoiceSnapshot


def invoice_snapshot(invoice: Any, prices: Prices) -> InvoiceSnapshot:
    """`prices` are those on its lines, where they are known."""
    parent = get(invoice, "parent", "subscription_details")
    passed = get(invoice, "status_transitions")
    return InvoiceSnapshot(
        invoice_id=invoice["id"],
        customer_id=id_of(invoice["customer"]),
        subscription_id=id_of(get(parent, "subscription")),
        status=invoice["status"],
        currency=invoice["currency"],
        amount_due_minor=invoice["amount_due"],
        amount_paid_minor=invoice["amount_paid"],
        amount_remaining_minor=get(invoice, "amount_remaining"),
        subtotal_minor=get(invoice, "subtotal"),
        total_minor=get(invoice, "total"),
        tax_minor=sum(tax["amount"] for tax in get(invoice, "total_taxes") or ()) or None,
        credit_applied_minor=_credit_applied(invoice),
        billing_reason=get(invoice, "billing_reason"),
        number=get(invoice, "number"),
        attempts=get(invoice, "attempt_count"),
        next_attempt_at=moment(get(invoice, "next_payment_attempt")),
        paid_out_of_band=_out_of_band(invoice),
        finalized_at=moment(get(passed, "finalized_at")),
        voided_at=moment(get(passed, "voided_at")),
        uncollectible_at=moment(get(passed, "marked_uncollectible_at")),
        lines=None if get(invoice, "lines", "has_more") in (None, True) else tuple(_lines(invoice, prices)),
        hosted_url=get(invoice, "hosted_invoice_url"),
        due_at=moment(get(invoice, "due_date")),
        paid_at=moment(get(passed, "paid_at")),
        created_at=moment(invoice["created"]),
        account_id=get(parent, "metadata", "account_id"),
    )


def complete(invoice: dict[str, Any], calls: StripeCalls) -> dict[str, Any]:
    """Give the invoice all its lines: an answer carries the first ten only; returns it.

    A preview can be read by its id for 72 hours (docs.stripe.com/invoicing/preview, read 2026-11).
    """
    lines = invoice.get("lines") or {}
    if lines.get("has_more"):
        every = list(calls.pages(f"/v1/invoices/{invoice['id']}/lines", {}))
        invoice["lines"] = {"data": every, "has_more": False}
    return invoice


def line_prices(invoice: Any) -> Iterator[str]:
    """The ids of the prices on its lines."""
    for line in get(invoice, "lines", "data") or ():
        if price := id_of(get(line, "pricing", "price_details", "price")):
            yield price


def _lines(invoice: Any, prices: Prices) -> Iterator[InvoiceLine]:
    for line in invoice["lines"]["data"]:
        parent = get(line, "parent")
        details = get(parent, "subscription_item_details") or get(parent, "invoice_item_details")
        price = prices.get(id_of(get(line, "pricing", "price_details", "price")) or "", Price())
        off = sum(each["amount"] for each in get(line, "discount_amounts") or ())
        included = sum(
            tax["amount"] for tax in get(line, "taxes") or () if get(tax, "tax_behavior") == "inclusive"
        )
        yield InvoiceLine(
            line_id=line["id"],
            amount_minor=line["amount"] - off - included,
            period_start=moment(line["period"]["start"]),
            period_end=moment(line["period"]["end"]),
            plan=price.plan,
            quantity=get(line, "quantity"),
            proration=bool(get(details, "proration")),
            metered=price.metered,
        )


def _credit_applied(invoice: Any) -> int | None:
    """What of the total the credit balance met: it is below 0 at Stripe while the customer has credit.

    Source: docs.stripe.com/billing/customer/balance (read 2026-11).
    """
    before, after = get(invoice, "starting_balance"), get(invoice, "ending_balance")
    return (after - before) or None if before is not None and after is not None else None


def _out_of_band(invoice: Any) -> bool | None:
    """Whether it counts as paid although less was paid than was due; None while it is not paid.

    Money that came past Stripe by a payment record is a payment of its own.
    """
    return bool(invoice["amount_paid"] < invoice["amount_due"]) if invoice["status"] == "paid" else None
