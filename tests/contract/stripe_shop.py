"""A small shop at the Stripe stand-in, seen through the real SDK."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import stripe

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import Running, running


class Shop:
    """A client of the stand-in and one monthly price of 29.00 USD."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.url = server.url
        self._http = stripe.RequestsClient()
        client = stripe.StripeClient(
            "sk_test_shop", base_addresses={"api": server.url}, max_network_retries=0, http_client=self._http
        )
        self.api: Any = client.v1  # Any: the stories read fields that the SDK types as optional
        product = self.api.products.create({"name": "Starter"})
        recurring = {"interval": "month"}
        terms = {"product": product.id, "currency": "usd", "unit_amount": 2900, "recurring": recurring}
        self.price = self.api.prices.create(terms).id

    def close(self) -> None:
        self._http.close()

    def customer(self, method: str | None = "pm_card_visa", **more: Any) -> Any:
        """A new customer whose default payment method is `method`."""
        params: dict[str, Any] = {"email": "ada@example.com", **more}
        if method:
            params |= {"payment_method": method, "invoice_settings": {"default_payment_method": method}}
        return self.api.customers.create(params)

    def subscribe(self, customer: Any, **more: Any) -> Any:
        """A new subscription of the customer."""
        return self.api.subscriptions.create(
            {"customer": customer.id, "items": [{"price": self.price}], **more}
        )

    def intent_of(self, subscription: Any) -> Any:
        """The payment intent of the subscription's latest invoice."""
        payments = self.api.invoice_payments.list({"invoice": subscription.latest_invoice}).data
        return self.api.payment_intents.retrieve(payments[0].payment.payment_intent)

    def events(self, **filters: Any) -> list[str]:
        """Types of all events, oldest first."""
        page = self.api.events.list({"limit": 100, **filters})
        return [event.type for event in page.auto_paging_iter()][::-1]

    def page(self, url: str, **typed: str) -> tuple[int, str]:
        """Look at a hosted page or, with something typed, post its form; returns status and HTML."""
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.netloc, timeout=10)
        body = urlencode(typed) if typed else None
        with contextlib.closing(connection):
            connection.request("POST" if typed else "GET", f"{address.path}?{address.query}", body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def pay(self, **order: Any) -> Any:
        """`POST /_control/pay`; returns its results."""
        return self.control("POST", "/_control/pay", order)["results"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control route."""
        return control(self.url, method, path, body)


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    """Call a stand-in's control route; returns the JSON it answers."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body) if body is not None else None)
        return json.loads(connection.getresponse().read())


@contextlib.contextmanager
def opened_shop(data_dir: Path | None = None, **config: Any) -> Iterator[Shop]:
    """A shop at a stand-in of its own."""
    with running("stripe", data_dir, config=Config(**config)) as server:
        shop = Shop(server)
        try:
            yield shop
        finally:
            shop.close()
