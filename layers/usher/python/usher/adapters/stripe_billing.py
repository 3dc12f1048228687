"""Billing by Stripe's SDK, pinned to its API version. Source: docs.stripe.com/api (read 2026-11)."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_errors import Decline
from usher.adapters.stripe_looks import FACTS, StripeLooks
from usher.adapters.stripe_price_keys import StripePrices
from usher.adapters.stripe_snapshots import customer_of, facts_of
from usher.domain.plans import price_key
from usher.ports.billing_facts import BillingFacts, CustomerSnapshot, Declined

__all__ = ["FACTS", "StripeBilling", "metadata"]


class StripeBilling:
    """Fulfils ports/billing.py: two writes per sign-up, the price found once a minute.

    Args:
        metered: by plan the metrics whose usage it bills, each an item beside the plan's own.
    """

    def __init__(self, calls: StripeCalls, metered: Mapping[str, Collection[str]] | None = None) -> None:
        self._calls = calls
        self._metered = metered or {}
        self.prices = StripePrices(calls)
        self._looks = StripeLooks(calls)

    def create_customer(
        self,
        *,
        account_id: str,
        signup_id: str,
        email: str,
        name: str,
        phone: str | None,
        payment_method: str | None,
        correlation_id: str,
        idempotency_key: str,
        with_fingerprint: bool = False,
    ) -> CustomerSnapshot | Declined:
        params: dict[str, Any] = {
            "email": email,
            "name": name,
            "metadata": metadata(account_id, signup_id, correlation_id),
        }
        if phone:
            params["phone"] = phone
        if payment_method:
            params["payment_method"] = payment_method
            params["invoice_settings"] = {"default_payment_method": payment_method}
        if with_fingerprint:
            params["expand"] = ["invoice_settings.default_payment_method"]
        try:
            return customer_of(self._calls.call("post", "/v1/customers", params, idempotency_key))
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)

    def create_subscription(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        plan: str,
        trial_days: int,
        correlation_id: str,
        idempotency_key: str,
        invoice_due_days: int = 0,
        end_without_card: Literal["cancel", "pause"] = "cancel",
    ) -> BillingFacts | Declined:
        params: dict[str, Any] = {
            "customer": customer_id,
            "payment_behavior": "allow_incomplete",
            "metadata": metadata(account_id, signup_id, correlation_id) | {"plan": plan},
            "expand": FACTS,
        }
        if invoice_due_days:
            params |= {"collection_method": "send_invoice", "days_until_due": invoice_due_days}
            del params["payment_behavior"]  # nothing is collected: the customer pays when the invoice is due
        if trial_days:
            params["trial_period_days"] = trial_days
            params["trial_settings"] = {"end_behavior": {"missing_payment_method": end_without_card}}
        try:
            with self.prices.selling(plan) as price:
                params["items"] = [{"price": price}, *self.usage_of(plan)]
                created = self._calls.call("post", "/v1/subscriptions", params, idempotency_key)
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)
        return self._looks.with_reason(facts_of(created))

    def usage_of(self, plan: str, *, currency: str | None = None) -> list[dict[str, str]]:
        """The items that bill what is used on a plan; a metered price takes no quantity."""
        keys = [price_key(plan, metric=metric, currency=currency) for metric in self._metered.get(plan, ())]
        return [{"price": self.prices.of(key)} for key in keys]

    def find_customer(self, *, signup_id: str, email: str) -> CustomerSnapshot | None:
        for customer in self._calls.pages("/v1/customers", {"email": email}):
            marks = customer.get("metadata") or {}
            if marks.get("signup_id") == signup_id and marks.get("usher_closed") != "true":
                return customer_of(customer)
        return None

    def find_subscription(self, *, customer_id: str, signup_id: str) -> BillingFacts | None:
        params = {"customer": customer_id, "expand": [f"data.{path}" for path in FACTS]}
        for subscription in self._calls.pages("/v1/subscriptions", params):
            if (subscription.get("metadata") or {}).get("signup_id") == signup_id:
                return self._looks.with_reason(facts_of(subscription))
        return None

    def account_of(self, customer_id: str) -> str | None:
        found = self.fetch("customer", customer_id)
        if found and found.customer and found.customer.account_id:
            return found.customer.account_id
        params = {"customer": customer_id, "limit": 1}
        sessions = self._calls.call("get", "/v1/checkout/sessions", params)["data"]
        account_id = (sessions[0].get("metadata") or {}).get("account_id") if sessions else None
        return str(account_id) if account_id else None

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        return self._looks.fetch(kind, id)


def metadata(account_id: str, signup_id: str, correlation_id: str) -> dict[str, str]:
    """What every object of ours at Stripe says of whose it is; no personal data."""
    return {"account_id": account_id, "signup_id": signup_id, "correlation_id": correlation_id}
