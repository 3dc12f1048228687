"""What changes cost at Stripe, and what an end would give back.

Sources: docs.stripe.com/api/invoices/create_preview and /billing/subscriptions/prorations (read 2026-11).
"""

from datetime import UTC, datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_changes import discounts_with, subscription
from usher.adapters.stripe_invoices import complete
from usher.adapters.stripe_plan_items import changed_items, leaving, licensed_item
from usher.adapters.stripe_price_keys import StripePrices
from usher.domain.plan_changes import PlanChange
from usher.ports.subscription_changes import ChangePreview, Paid, PreviewLine


class StripeChangeCosts:
    """Fulfils ports/subscription_changes.py, ChangeCosts."""

    def __init__(self, calls: StripeCalls, prices: StripePrices) -> None:
        self._calls, self._prices = calls, prices

    def promotion(self, code: str) -> str | None:
        found = self._calls.call("get", "/v1/promotion_codes", {"code": code, "active": True})["data"]
        return str(found[0]["id"]) if found else None

    def preview(self, subscription_id: str, change: PlanChange, *, at: datetime) -> ChangePreview:
        now = subscription(self._calls, subscription_id)
        moment = int(at.timestamp())
        if change.when == "period_end":
            return self._later(now, change)
        invoice = self._preview(now, change, "always_invoice", moment)
        if invoice["created"] > moment:  # nothing is due before the next renewal
            return _preview_of(invoice["currency"], None, invoice, invoice["amount_due"])
        if _restarts(invoice, moment):
            due = sum(_net(line) for line in invoice["lines"]["data"] if _begins(line, moment))
            end = max(line["period"]["end"] for line in invoice["lines"]["data"])
            following = {"created": end, "currency": invoice["currency"]}
            return _preview_of(invoice["currency"], invoice, following, _after(invoice, due))
        following = self._preview(now, change, "none", moment)
        return _preview_of(invoice["currency"], invoice, following, _after(invoice, following["total"]))

    def unused(self, subscription_id: str, *, at: datetime) -> int:
        details = {"cancel_now": True, "proration_date": int(at.timestamp())}
        params = {"subscription": subscription_id, "subscription_details": details}
        invoice = self._asked(params)
        return -sum(_net(line) for line in invoice["lines"]["data"] if _is_proration(line))

    def paid(self, subscription_id: str) -> Paid:
        now = subscription(self._calls, subscription_id)
        begun = licensed_item(now)["current_period_start"]
        params = {"subscription": subscription_id, "status": "paid", "created": {"gte": begun}}
        total = otherwise = 0
        payments: list[str] = []
        for invoice in self._calls.pages("/v1/invoices", params | {"expand": ["data.payments"]}):
            held = (invoice.get("payments") or {}).get("data") or ()
            own = [
                each for each in held if each["status"] == "paid" and each["payment"].get("payment_intent")
            ]
            total += invoice["total"]
            otherwise += max(invoice["total"] - sum(each["amount_paid"] or 0 for each in own), 0)
            payments += [each["payment"]["payment_intent"] for each in own]
        return Paid(total_minor=total, otherwise_minor=otherwise, payments=tuple(payments))

    def give_credit(
        self, customer_id: str, *, amount_minor: int, currency: str, change: str, key: str
    ) -> str:
        path = f"/v1/customers/{customer_id}/balance_transactions"
        for made in self._calls.pages(path, {}):  # the key may be forgotten by now
            if (made.get("metadata") or {}).get("change") == change:
                return str(made["id"])
        params = {"amount": -amount_minor, "currency": currency, "description": "Unused time"}
        return str(self._calls.call("post", path, params | {"metadata": {"change": change}}, key)["id"])

    # -- steps -----------------------------------------------------------------------------------

    def _later(self, now: dict[str, Any], change: PlanChange) -> ChangePreview:
        """The invoice with which the other plan begins."""
        end = licensed_item(now)["current_period_end"]
        moment = licensed_item(now)["current_period_start"]
        invoice = self._preview(now, change, "none", moment)
        due = max(0, invoice["starting_balance"] + invoice["total"] + self._used(now, change))
        if invoice["created"] >= end:
            return _preview_of(invoice["currency"], None, invoice, due)
        # another interval would begin at once: what it costs is what the renewal will
        following = {"created": end, "currency": invoice["currency"]}
        return _preview_of(invoice["currency"], None, following, due)

    def _used(self, now: dict[str, Any], change: PlanChange) -> int:
        """What the renewal bills, so far, of metered prices that go with the running period."""
        gone = {item["price"]["id"] for item in leaving(now, change, self._prices)}
        if not gone:
            return 0
        params = {"subscription": now["id"]}
        renewal = self._asked(params)
        return sum(_net(line) for line in renewal["lines"]["data"] if _price_id(line) in gone)

    def _preview(self, now: dict[str, Any], change: PlanChange, behavior: str, moment: int) -> dict[str, Any]:
        details: dict[str, Any] = {"proration_behavior": behavior}
        if items := changed_items(now, change, self._prices):
            details["items"] = items
            if behavior != "none" and now["status"] != "trialing":
                details["proration_date"] = moment
        params: dict[str, Any] = {"subscription": now["id"], "subscription_details": details}
        if discounts := discounts_with(now, change):
            params["discounts"] = discounts
        return self._asked(params)

    def _asked(self, params: dict[str, Any]) -> dict[str, Any]:
        """The preview of these, with all its lines."""
        return complete(self._calls.call("post", "/v1/invoices/create_preview", params), self._calls)


def _preview_of(
    currency: str, invoice: dict[str, Any] | None, following: dict[str, Any], next_minor: int
) -> ChangePreview:
    """Of the invoice that is due at once, if any, and the one that follows."""
    lines = invoice["lines"]["data"] if invoice else []
    return ChangePreview(
        currency=currency,
        charged_now_minor=invoice["amount_due"] if invoice else 0,
        credited_minor=max(0, -(invoice["total"])) if invoice else 0,
        lines=tuple(_line(each) for each in lines),
        next_at=_moment(following["created"]),
        next_minor=next_minor,
    )


def _after(invoice: dict[str, Any], total: int) -> int:
    """What a later invoice over `total` asks for once `invoice` has used, or left, its credit."""
    balance = min(0, invoice["starting_balance"] + invoice["total"])
    return max(0, total + int(balance))


def _line(line: dict[str, Any]) -> PreviewLine:
    return PreviewLine(
        description=line["description"] or "",
        amount_minor=_net(line),
        period_start=_moment(line["period"]["start"]),
        period_end=_moment(line["period"]["end"]),
        proration=_is_proration(line),
    )


def _net(line: dict[str, Any]) -> int:
    return int(line["amount"]) - sum(int(each["amount"]) for each in line["discount_amounts"] or ())


def _is_proration(line: dict[str, Any]) -> bool:
    parent = line["parent"] or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return bool(details.get("proration"))


def _restarts(invoice: dict[str, Any], moment: int) -> bool:
    """Whether a whole new period is on the invoice: the billing cycle begins anew."""
    return any(_begins(line, moment) for line in invoice["lines"]["data"])


def _begins(line: dict[str, Any], moment: int) -> bool:
    """Whether it is for a period to come, and neither prorated nor for what was used."""
    return not _is_proration(line) and line["period"]["end"] > moment


def _price_id(line: dict[str, Any]) -> str | None:
    id = ((line["pricing"] or {}).get("price_details") or {}).get("price")
    return None if id is None else str(id)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
