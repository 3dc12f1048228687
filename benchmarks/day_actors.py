"""What the people of a simulated day do: sign up, pay, confirm, decide, and answer as the bank."""

import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import urllib3

from benchmarks.day_people import Person
from infra.local.signed_posts import sign
from infra.local.simulation import SECRET, Simulation
from infra.local.simulation.vendors import KEYS
from infra.local.stand_ins.http import Request

SUPPORT, PRODUCT = "support-token-of-the-day", "product-token-of-the-day"


class Actors:
    """Post, look, pay and decide; over HTTP to Usher, and at the vendors as their own customers do.

    Attributes:
        troubles: what people could not do, in words.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.troubles: list[str] = []
        self._http = urllib3.PoolManager(maxsize=16, retries=False, timeout=30.0)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.clear()

    def expect(self, person: Person) -> None:
        """Have this person come, and act, when they are going to."""
        comes = self._order_link if person.kind.is_link else self._sign_up
        self._simulation.at(person.came, lambda: self._do(person, comes))
        acts: dict[str, Callable[[Person], None]] = {
            "pay": self._pay,
            "bank": self._answer_as_bank,
            "decide": self._decide,
            "confirm": self._confirm,
        }
        if person.acts_at is not None:
            act = acts[person.kind.act]
            self._simulation.at(person.acts_at, lambda: self._acts(person, act))

    def deliver(self, body: bytes, signature: str) -> int:
        """Post one of Stripe's events; returns the status."""
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        url = f"{self._simulation.usher.url}/webhooks/stripe"
        return int(self._http.request("POST", url, body=body, headers=headers).status)

    def status(self, person: Person) -> dict[str, Any]:
        """How the sign-up stands, as the product is told."""
        found: dict[str, Any] = self._usher("GET", f"/v1/signups/{person.signup_id}", token=PRODUCT)
        return found

    # -- coming --------------------------------------------------------------------------------------------

    def _do(self, person: Person, act: Callable[[Person], None]) -> None:
        try:
            act(person)
        except (LookupError, ValueError, urllib3.exceptions.HTTPError) as error:
            with self._lock:
                self.troubles.append(f"{person.name} {person.signup_id}: {error!r}")

    def _acts(self, person: Person, act: Callable[[Person], None]) -> None:
        def noted(person: Person) -> None:
            act(person)
            person.acted = self._simulation.clock.now()

        self._do(person, noted)

    def _sign_up(self, person: Person) -> None:
        body, now = json.dumps(person.signup).encode(), self._simulation.clock.timestamp()
        signed = sign(SECRET, body, webhook_id=f"msg_{person.number}", at=now)
        answer = self._usher("POST", "/webhooks/signup", body=signed.body, headers=signed.headers)
        person.signup_id = str(answer["signup_id"])

    def _order_link(self, person: Person) -> None:
        answer = self._usher("POST", "/v1/onboardings", token=SUPPORT, body=json.dumps(person.order).encode())
        person.signup_id, person.link = str(answer["signup_id"]), str(answer["url"])

    # -- acting --------------------------------------------------------------------------------------------

    def _pay(self, person: Person) -> None:
        page = person.link or str(self.status(person)["checkout_url"])
        kind = "link" if person.link else "invoice" if "/invoice/" in page else "session"
        order = {kind: page, **person.kind.how}
        if person.link:
            order["email"] = person.email
        (result,) = self._stripe("pay", order)["results"]
        if result["status"] != 200:
            raise ValueError(f"the page answered {result['status']} {result['title']}")

    def _answer_as_bank(self, person: Person) -> None:
        customer = self.status(person)["ids"]["customer_id"]
        query = urlencode({"customer": customer})
        (debit,) = self._vendor("stripe", f"/v1/payment_intents?{query}")["data"]
        self._stripe("settle_payment", {"payment_intent": debit["id"], **person.kind.how})

    def _decide(self, person: Person) -> None:
        body = json.dumps(dict(person.kind.how)).encode()
        self._usher("POST", f"/v1/onboardings/{person.signup_id}/decision", token=SUPPORT, body=body)

    def _confirm(self, person: Person) -> None:
        query = urlencode({"recipient": person.email, "count": 1, "offset": 0})
        (mail,) = self._vendor("postmark", f"/messages/outbound?{query}")["Messages"]
        text = self._vendor("postmark", f"/messages/outbound/{mail['MessageID']}/details")["TextBody"]
        link = re.search(r"/v1/confirmations/[\w.-]+", text)
        if link is None:
            raise ValueError("the mail has no link")
        self._usher("POST", link.group())

    # -- calls ---------------------------------------------------------------------------------------------

    def _usher(
        self, method: str, path: str, *, token: str = "", body: bytes | None = None, headers: Any = None
    ) -> Any:
        sent = {"content-type": "application/json", **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        answer = self._http.request(method, self._simulation.usher.url + path, body=body, headers=sent)
        if answer.status >= 400:
            raise ValueError(f"{method} {path} answered {answer.status} {answer.data.decode()}")
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.data

    def _vendor(self, vendor: str, path: str) -> Any:
        keys = {"authorization": f"Bearer {KEYS[vendor]}", "x-postmark-server-token": KEYS[vendor]}
        target, _, query = path.partition("?")
        answer = self._simulation.vendors.answer(vendor, Request("GET", target, query, keys))
        if answer.status >= 400:
            raise ValueError(f"{vendor} answered {answer.status} {answer.body!r}")
        return answer.json()

    def _stripe(self, control: str, order: dict[str, Any]) -> Any:
        request = Request("POST", f"/_control/{control}", body=json.dumps(order).encode())
        answer = self._simulation.vendors.answer("stripe", request)
        if answer.status >= 400:
            raise LookupError(f"Stripe's {control} answered {answer.status} {answer.body!r}")
        return answer.json()
