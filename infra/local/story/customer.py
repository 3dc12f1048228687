"""The customer of the story, and who serves them: each acts as they would, over HTTP or at Stripe's pages."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import urllib3

from infra.local.signed_posts import sign
from infra.local.simulation import SECRET, Simulation
from infra.local.simulation.vendors import KEYS
from infra.local.stand_ins.http import Request
from usher.domain.event import Envelope
from usher.ports.store import Equals, Item, Store
from usher.records.events import EventLog

STRIPE_SECRET = "whsec_stripe_of_the_story"
PRODUCT, BILLING = "product-token-of-the-story", "billing-token-of-the-story"
TOKENS = {PRODUCT: "product", BILLING: "billing"}
EMAIL = "mira.holt@example.com"


class Customer:
    """Acts at Usher and at Stripe, and looks at what Usher has put down.

    Raises ValueError, with what was answered, when somebody is refused.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        self._log = EventLog(simulation.usher.platform.store)
        self._heard = 0
        self._acts = 0
        self.account_id = ""
        self.customer_id = ""

    def close(self) -> None:
        self._http.clear()

    # -- at the product ------------------------------------------------------------------------------------

    def sign_up(self, **wishes: Any) -> None:
        """Sign up by the product's backend, and wait for the account to be active."""
        now = self._simulation.clock.now()
        data = {"email": EMAIL, "name": "Mira Holt", **wishes}
        data["company"] = {"name": "Holt & Sons", "domain": "holt.example.com", "size": 14}
        body = json.dumps({"type": "signup.completed", "timestamp": now.isoformat(), "data": data}).encode()
        signed = sign(SECRET, body, webhook_id="msg_story", at=now.timestamp())
        answer = self._usher("POST", "/webhooks/signup", body=signed.body, headers=signed.headers)
        path = f"/v1/signups/{answer['signup_id']}"
        while (status := self._usher("GET", path, token=PRODUCT))["status"] != "active":
            self._simulation.wait(0.05)
        self.account_id, self.customer_id = status["account_id"], status["ids"]["customer_id"]

    def act(self, what: str, **body: Any) -> Any:
        """One of the subscription's actions (change, cancel, reactivate, pause, resume), once."""
        return self._order(f"/v1/accounts/{self.account_id}/subscription/{what}", PRODUCT, body)

    def refund(self, **body: Any) -> Any:
        """Somebody in billing pays a part of the last payment back."""
        paid = [row for row in self.rows("payments") if row["status"] == "succeeded"]
        return self._order("/v1/refunds", BILLING, {"payment_id": paid[-1]["payment_id"], **body})

    # -- at Stripe's own pages -----------------------------------------------------------------------------

    def use_card(self, payment_method: str) -> None:
        """Give another card, as in the billing portal."""
        customer = {"customer": self.customer_id}
        attached = self.stripe("POST", f"/v1/payment_methods/{payment_method}/attach", customer)
        default = {"invoice_settings[default_payment_method]": attached["id"]}
        self.stripe("POST", f"/v1/customers/{self.customer_id}", default)

    def pay_what_is_open(self) -> None:
        """Pay every open invoice with the card that is there."""
        for invoice in self.stripe_list("/v1/invoices", customer=self.customer_id, status="open"):
            self.stripe("POST", f"/v1/invoices/{invoice['id']}/pay", {})

    def deliver(self, body: bytes, signature: str) -> int:
        """Post one of Stripe's events; returns the status."""
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        url = f"{self._simulation.usher.url}/webhooks/stripe"
        return int(self._http.request("POST", url, body=body, headers=headers).status)

    # -- looking -------------------------------------------------------------------------------------------

    def news(self) -> list[Envelope]:
        """The events of the account since it was asked last, in order."""
        found = self._log.read(self.account_id, after=self._heard, limit=1000)
        self._heard = found[-1].sequence if found else self._heard
        return found

    @property
    def store(self) -> Store:
        """Usher's own."""
        return self._simulation.usher.platform.store

    @property
    def now(self) -> datetime:
        return self._simulation.clock.now()

    def rows(self, table: str) -> list[Item]:
        """The account's subscriptions, invoices or payments, oldest first."""
        return self.store.query(table, Equals("account_id", self.account_id), index="by_account").items

    @property
    def subscription(self) -> Item:
        """The subscription that began last, as we have it."""
        return self.rows("subscriptions")[-1]

    def stripe(self, method: str, path: str, params: dict[str, str]) -> Any:
        """Call Stripe with its secret key."""
        query = urlencode(params)
        headers = {"authorization": f"Bearer {KEYS['stripe']}"}
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
            request = Request(method, path, "", headers, query.encode())
        else:
            request = Request(method, path, query, headers)
        answer = self._simulation.vendors.answer("stripe", request)
        if answer.status >= 400:
            raise ValueError(f"{method} {path} answered {answer.status} {answer.body.decode()}")
        return answer.json()

    def stripe_list(self, path: str, **params: str) -> list[dict[str, Any]]:
        """Everything of a list; a year has less than a hundred of anything."""
        page = self.stripe("GET", path, {**params, "limit": "100"})
        assert not page["has_more"]
        found: list[dict[str, Any]] = page["data"]
        return found

    def _order(self, path: str, token: str, body: dict[str, Any]) -> Any:
        self._acts += 1
        key = {"idempotency-key": f"story-{self._acts}"}
        return self._usher("POST", path, token=token, body=json.dumps(body).encode(), headers=key)

    def _usher(
        self, method: str, path: str, *, token: str = "", body: bytes | None = None, headers: Any = None
    ) -> Any:
        sent = {"content-type": "application/json", **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        answer = self._http.request(method, self._simulation.usher.url + path, body=body, headers=sent)
        if answer.status >= 400:
            raise ValueError(f"{method} {path} answered {answer.status} {answer.data.decode()}")
        return answer.json()
