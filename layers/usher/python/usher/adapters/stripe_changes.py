"""Changes of subscriptions by Stripe.

Sources: docs.stripe.com/api/subscriptions/update, /billing/subscriptions/subscription-schedules and
/billing/subscriptions/pause (read 2026-11).
"""

from datetime import datetime
from typing import Any

from usher.adapters.stripe_billing import metadata
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_errors import Decline
from usher.adapters.stripe_plan_items import (
    changed_items,
    leaving,
    new_items,
    next_phase_items,
    phase_item,
)
from usher.adapters.stripe_price_keys import StripePrices
from usher.domain.errors import Conflict, VendorRejected
from usher.domain.plan_changes import PlanChange
from usher.ports.billing_facts import Declined

_NOT_BEGUN = frozenset({"incomplete", "incomplete_expired", "canceled"})
_NO_CARD = frozenset({"resource_missing", "missing"})  # what Stripe says when there is nothing to charge


class StripeChanges:
    """Fulfils ports/subscription_changes.py, SubscriptionChanges."""

    def __init__(self, calls: StripeCalls, prices: StripePrices) -> None:
        self._calls, self._prices = calls, prices

    def change(self, subscription_id: str, change: PlanChange, *, at: datetime, key: str) -> Declined | None:
        now = subscription(self._calls, subscription_id)
        if change.when == "period_end":
            self._at_period_end(now, change, key)
            return None
        params = self._terms(now, change)
        declined = self._change_now(now, params, at=at, key=key) if params else None
        if declined is None:  # a change that is not paid leaves what is scheduled as it is
            self._release(now, key)
        return declined

    def end_at_period_end(self, subscription_id: str, *, key: str) -> None:
        now = subscription(self._calls, subscription_id)
        self._release(now, key)
        self._set_end(now, True, f"{key}/end")

    def keep(self, subscription_id: str, *, key: str) -> None:
        self._set_end(subscription(self._calls, subscription_id), False, f"{key}/keep")

    def begin_again(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        correlation_id: str,
        change: PlanChange,
        name: str,
        key: str,
    ) -> str | Declined:
        listed = self._calls.pages("/v1/subscriptions", {"customer": customer_id})
        running = [each for each in listed if each["status"] not in _NOT_BEGUN]
        for each in running:
            if each["metadata"].get("change") == name:
                return str(each["id"])  # an earlier run made it; its key may be forgotten by now
        if running:
            raise Conflict(f"subscription {running[0]['id']} has begun meanwhile; look at how it stands")
        params: dict[str, Any] = {
            "customer": customer_id,
            "items": new_items(change, self._prices),
            "payment_behavior": "error_if_incomplete",
            "metadata": metadata(account_id, signup_id, correlation_id)
            | {"plan": change.plan, "change": name},
        }
        if change.promo:
            params["discounts"] = [{"promotion_code": change.promo}]
        try:
            return str(self._calls.call("post", "/v1/subscriptions", params, f"{key}/begin")["id"])
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)
        except VendorRejected as error:
            if error.code not in _NO_CARD:
                raise
            return Declined(code="no_payment_method", reason="the account has no payment method")

    def pause(self, subscription_id: str, *, key: str) -> None:
        if subscription(self._calls, subscription_id)["status"] != "paused":
            # the credit goes to the balance at once: on an invoice that is not paid later it would be lost
            params = {"invoicing_behavior": "invoice"}
            self._calls.call("post", f"{_path(subscription_id)}/pause", params, f"{key}/pause")

    def resume(self, subscription_id: str, *, key: str) -> Declined | None:
        if subscription(self._calls, subscription_id)["status"] != "paused":
            return None
        params = {"payment_behavior": "resume_on_payment_success"}
        try:
            now = self._calls.call("post", f"{_path(subscription_id)}/resume", params, f"{key}/resume")
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)
        if now["status"] != "paused":
            return None
        return Declined(code="payment_failed", reason="the first invoice could not be paid")

    # -- steps -----------------------------------------------------------------------------------

    def _change_now(
        self, now: dict[str, Any], params: dict[str, Any], *, at: datetime, key: str
    ) -> Declined | None:
        params |= {"proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
        if now["status"] != "trialing":
            params["proration_date"] = int(at.timestamp())
        try:
            self._calls.call("post", _path(now["id"]), params, f"{key}/now")
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)
        except VendorRejected as error:
            if error.code not in _NO_CARD:
                raise
            return Declined(code="no_payment_method", reason="the account has no payment method")
        return None

    def _terms(self, now: dict[str, Any], change: PlanChange) -> dict[str, Any]:
        """What has to be asked for; nothing when the subscription is like that."""
        terms: dict[str, Any] = {}
        if items := changed_items(now, change, self._prices):
            terms["items"] = items
        if discounts := discounts_with(now, change):
            terms["discounts"] = discounts
        return terms

    def _at_period_end(self, now: dict[str, Any], change: PlanChange, key: str) -> None:
        """A schedule: the running phase as it is, then a phase of one period with the other price.

        After that it is released, and the subscription goes on as it is then (docs/adr/0045). Nothing is left
        to prorate between the two but what was used of metered prices that go.
        """
        schedule = now.get("schedule")
        if schedule is None:
            order = {"from_subscription": now["id"]}
            made = self._calls.call("post", "/v1/subscription_schedules", order, f"{key}/schedule")
        else:
            made = schedule
        starts = made["current_phase"]["start_date"]
        running = next(each for each in made["phases"] if each["start_date"] == starts)
        price, discounts = self._prices.of(change.price_key), discounts_with(now, change)
        usage_ends = bool(leaving(now, change, self._prices))
        kept = [{"discount": discount_id(each)} for each in now["discounts"]]
        first = {name: running[name] for name in ("start_date", "end_date")}
        first |= {"items": [phase_item(each) for each in now["items"]["data"]], "discounts": kept}
        then, interval = next_phase_items(now, change, self._prices), self._interval(price)
        second = {"items": then, "discounts": discounts or kept, "duration": interval}
        second["proration_behavior"] = "create_prorations" if usage_ends else "none"
        order = {"phases": [first, second], "end_behavior": "release", "proration_behavior": "none"}
        self._calls.call("post", f"/v1/subscription_schedules/{made['id']}", order, f"{key}/phases")

    def _interval(self, price: str) -> dict[str, Any]:
        recurring = self._calls.call("get", f"/v1/prices/{price}")["recurring"]
        return {name: recurring[name] for name in ("interval", "interval_count")}

    def _release(self, now: dict[str, Any], key: str) -> None:
        """A change that is scheduled gives way."""
        schedule = now.get("schedule")
        if schedule and schedule["status"] == "active":
            path = f"/v1/subscription_schedules/{schedule['id']}/release"
            self._calls.call("post", path, {}, f"{key}/release")

    def _set_end(self, now: dict[str, Any], ends: bool, key: str) -> None:
        if now["cancel_at_period_end"] != ends or (not ends and now["cancel_at"]):
            self._calls.call("post", _path(now["id"]), {"cancel_at_period_end": ends}, key)


def subscription(calls: StripeCalls, id: str) -> dict[str, Any]:
    """The subscription with its schedule. Raises VendorRejected 404."""
    return calls.call("get", _path(id), {"expand": ["schedule", "discounts"]})


def discounts_with(subscription: dict[str, Any], change: PlanChange) -> list[dict[str, str]]:
    """The subscription's discounts with the promotion of the change; empty when it brings nothing new."""
    held = [each for each in subscription["discounts"] if isinstance(each, dict)]
    if change.promo is None or any(each.get("promotion_code") == change.promo for each in held):
        return []
    kept = [{"discount": discount_id(each)} for each in subscription["discounts"]]
    return [*kept, {"promotion_code": change.promo}]


def discount_id(discount: Any) -> str:
    """The id of a discount that may or may not be expanded."""
    return str(discount if isinstance(discount, str) else discount["id"])


def _path(id: str) -> str:
    return f"/v1/subscriptions/{id}"
