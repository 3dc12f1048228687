"""Billing by Stripe's SDK, pinned to its API version. Source: docs.stripe.com/api (read 2026-11)."""

import threading
from collections.abc import Iterator
from typing import Any

import requests
import stripe
from requests.adapters import HTTPAdapter
from stripe import StripeClient

from usher.adapters.stripe_errors import Decline, calling
from usher.adapters.stripe_snapshots import customer_of, facts_of, invoice_of, payment_of
from usher.adapters.vendor_errors import ApiKey, reader
from usher.domain.errors import VendorRejected
from usher.ports.billing import BillingFacts, CustomerSnapshot, Declined

_FACTS = ["latest_invoice.payments"]  # Stripe expands four levels at most: the PaymentIntent would be a fifth
_INVOICE = ["payments.data.payment.payment_intent"]


class StripeBilling:
    """Fulfils ports/billing.py: two writes per sign-up, the price found once per process.

    Args:
        api_base: `https://api.stripe.com`, or the stand-in's address.
        api_key: a restricted key, or how to read it.
        timeout: seconds per call; the SDK's own retries are off, the workflow owns them.
        connections: kept alive at most.
    """

    def __init__(
        self, *, api_base: str, api_key: ApiKey, timeout: float = 10.0, connections: int = 32
    ) -> None:
        self._key = reader(api_key)
        self._api_base = api_base
        self._http = stripe.RequestsClient(timeout=timeout, session=_session(connections))
        self._connected: StripeClient | None = None
        self._connected_with = ""
        self._prices: dict[str, str] = {}
        self._lock = threading.Lock()

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
    ) -> CustomerSnapshot | Declined:
        params: dict[str, Any] = {
            "email": email,
            "name": name,
            "metadata": _metadata(account_id, signup_id, correlation_id),
        }
        if phone:
            params["phone"] = phone
        if payment_method:
            params["payment_method"] = payment_method
            params["invoice_settings"] = {"default_payment_method": payment_method}
        try:
            return customer_of(self._call("post", "/v1/customers", params, idempotency_key))
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
    ) -> BillingFacts | Declined:
        params: dict[str, Any] = {
            "customer": customer_id,
            "items": [{"price": self._price(plan)}],
            "payment_behavior": "allow_incomplete",
            "metadata": _metadata(account_id, signup_id, correlation_id) | {"plan": plan},
            "expand": _FACTS,
        }
        if trial_days:
            params["trial_period_days"] = trial_days
            params["trial_settings"] = {"end_behavior": {"missing_payment_method": "cancel"}}
        try:
            created = self._call("post", "/v1/subscriptions", params, idempotency_key)
        except Decline as decline:
            return Declined(code=decline.code, reason=decline.reason)
        return self._with_reason(facts_of(created))

    def find_customer(self, *, signup_id: str, email: str) -> CustomerSnapshot | None:
        for customer in self._list("/v1/customers", {"email": email}):
            if (customer.get("metadata") or {}).get("signup_id") == signup_id:
                return customer_of(customer)
        return None

    def find_subscription(self, *, customer_id: str, signup_id: str) -> BillingFacts | None:
        params = {"customer": customer_id, "expand": [f"data.{path}" for path in _FACTS]}
        for subscription in self._list("/v1/subscriptions", params):
            if (subscription.get("metadata") or {}).get("signup_id") == signup_id:
                return self._with_reason(facts_of(subscription))
        return None

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        try:
            return self._fetch(kind, id)
        except VendorRejected as error:
            if error.status == 404:
                return None
            raise

    def _fetch(self, kind: str, id: str) -> BillingFacts:
        if kind == "customer":
            return BillingFacts(customer=customer_of(self._call("get", f"/v1/customers/{id}")))
        if kind == "subscription":
            found = self._call("get", f"/v1/subscriptions/{id}", {"expand": _FACTS})
            return self._with_reason(facts_of(found))
        if kind == "invoice":
            return invoice_of(self._call("get", f"/v1/invoices/{id}", {"expand": _INVOICE}))
        if kind == "payment_intent":
            return BillingFacts(payments=(payment_of(self._call("get", f"/v1/payment_intents/{id}")),))
        raise ValueError(f"billing follows no objects of kind {kind}")

    def _with_reason(self, facts: BillingFacts) -> BillingFacts:
        """The facts with each open payment as Stripe knows it: only the PaymentIntent says why it is open."""
        payments = tuple(
            payment_of(
                self._call("get", f"/v1/payment_intents/{payment.payment_id}"), invoice_id=payment.invoice_id
            )
            if payment.status == "processing"
            else payment
            for payment in facts.payments
        )
        return facts.model_copy(update={"payments": payments})

    def _price(self, plan: str) -> str:
        """The id of the active price under this lookup key; prices of a key change only with the catalog."""
        if plan not in self._prices:
            found = self._call("get", "/v1/prices", {"lookup_keys": [plan], "active": True})["data"]
            if not found:
                raise VendorRejected(
                    f"Stripe has no active price with lookup key {plan}: apply the plan catalog"
                )
            self._prices[plan] = found[0]["id"]
        return self._prices[plan]

    def _list(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] = {}
        while True:
            page = self._call("get", path, {**params, **after, "limit": 100})
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def _call(
        self, method: str, path: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """One request by the SDK; returns the answer's JSON. Raises what `calling` says."""
        options = {"idempotency_key": idempotency_key} if idempotency_key else {}
        with calling(f"{method} {path.split('/')[2]}"):
            answer: dict[str, Any] = self._client.raw_request(method, path, **(params or {}), **options).data
            return answer

    @property
    def _client(self) -> StripeClient:
        key = self._key()  # asked at each call, so that a rotated key arrives
        with self._lock:
            if self._connected is None or key != self._connected_with:
                self._connected_with = key
                self._connected = StripeClient(
                    key,
                    base_addresses={"api": self._api_base},
                    http_client=self._http,
                    max_network_retries=0,
                )
            return self._connected


def _session(connections: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # else each call looks through the environment for proxies: a fifth of its CPU
    session.mount("https://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    return session


def _metadata(account_id: str, signup_id: str, correlation_id: str) -> dict[str, str]:
    return {"account_id": account_id, "signup_id": signup_id, "correlation_id": correlation_id}
