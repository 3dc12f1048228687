"""Events and their webhooks: signed, after the answer, at least once, in whatever order the seed asks for."""

import http.server
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.launch import launch
from tests.contract.stripe_shop import control, opened_shop

SECRET = "whsec_test"


class Endpoint:
    """A webhook endpoint that verifies what it gets; it answers 500 to the first `failures` posts."""

    def __init__(self) -> None:
        self.received: queue.Queue[Any] = queue.Queue()
        self.failures = 0
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                failing, endpoint.failures = endpoint.failures > 0, max(0, endpoint.failures - 1)
                if not failing:
                    event = stripe.Webhook.construct_event(body, self.headers["stripe-signature"], SECRET)
                    endpoint.received.put(event)
                self.send_response(500 if failing else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"

    def wait_for(self, count: int) -> list[Any]:
        """The next `count` events; fails after ten seconds of silence."""
        return [self.received.get(timeout=10) for _ in range(count)]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    opened = Endpoint()
    yield opened
    opened.close()


def config(endpoint: Endpoint, **options: Any) -> dict[str, Any]:
    return {"webhook_url": endpoint.url, "webhook_secret": SECRET, "options": options}


def test_a_sign_up_leaves_the_events_stripe_would() -> None:
    with opened_shop() as shop:
        shop.subscribe(shop.customer())
        assert set(shop.events()) == {
            *("product.created", "price.created", "customer.created", "payment_method.attached"),
            *("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"),
            *(
                "payment_intent.created",
                "payment_intent.succeeded",
                "charge.succeeded",
                "invoice_payment.paid",
            ),
            "customer.subscription.created",
        }


def test_a_webhook_is_signed_and_names_the_call_that_caused_it(endpoint: Endpoint) -> None:
    with opened_shop(**config(endpoint, enabled_events=["customer.*"])) as shop:
        customer = shop.api.customers.create({"email": "a@example.com"}, {"idempotency_key": "signup/7"})
        (event,) = endpoint.wait_for(1)
    assert (event.type, event.data.object.id) == ("customer.created", customer.id)
    assert event.request.idempotency_key == "signup/7"
    assert event.request.id == customer.last_response.request_id
    assert event.api_version == stripe.api_version


def test_a_change_names_the_former_values(endpoint: Endpoint) -> None:
    with opened_shop(**config(endpoint, enabled_events=["customer.updated"])) as shop:
        customer = shop.customer(None)
        shop.api.customers.update(customer.id, {"name": "Ada"})
        (event,) = endpoint.wait_for(1)
    assert event.data.previous_attributes["name"] is None


def test_a_failed_delivery_is_tried_again_and_listed_until_it_succeeds(endpoint: Endpoint) -> None:
    endpoint.failures = 2
    with opened_shop(**config(endpoint, enabled_events=["customer.created"], retry_seconds=0.02)) as shop:
        customer = shop.customer(None)
        (event,) = endpoint.wait_for(1)
        assert event.data.object.id == customer.id


def test_events_of_an_unreachable_endpoint_are_listed_as_undelivered() -> None:
    with opened_shop(webhook_url="http://127.0.0.1:9/nobody", webhook_secret=SECRET) as shop:
        shop.customer(None)
        assert "customer.created" in shop.events(delivery_success=False)
        assert shop.events(delivery_success=True) == []


def test_lost_deliveries_stay_undelivered_and_can_be_found_later(endpoint: Endpoint) -> None:
    with opened_shop(**config(endpoint, enabled_events=["customer.*", "product.*"])) as shop:
        shop.control("POST", "/_control/lose_deliveries", {"types": ["customer.created"]})
        lost = [shop.customer(None).id for _ in range(3)]
        shop.api.products.create({"name": "Heard"})
        heard = [event.type for event in endpoint.wait_for(2)]  # the shop's own product, and this one
        assert heard == ["product.created"] * 2
        assert shop.control("GET", "/_control/deliveries")["lost"] == 3
        filters = {"types": ["customer.created"], "delivery_success": False, "limit": 2}
        found = [*shop.api.events.list(filters).auto_paging_iter()]
        assert [event.data.object.id for event in found] == lost[::-1]
        later = filters | {"created": {"gt": found[0].created}}
        assert shop.api.events.list(later).data == []
        shop.control("DELETE", "/_control/lose_deliveries")
        after = shop.customer(None)
        assert endpoint.wait_for(1)[0].data.object.id == after.id


def test_duplicates_and_disorder_come_by_seed(endpoint: Endpoint) -> None:
    options = {"duplicates": 1, "reordering": 0.5, "enabled_events": ["customer.created"]}
    with opened_shop(**config(endpoint, **options)) as shop:
        made = {shop.customer(None).id for _ in range(10)}
        received = [event.data.object.id for event in endpoint.wait_for(20)]
    assert set(received) == made
    assert all(received.count(id) == 2 for id in made)


def test_an_endpoint_made_through_the_api_gets_what_it_asks_for(endpoint: Endpoint) -> None:
    with opened_shop() as shop:
        made = shop.api.webhook_endpoints.create({"url": endpoint.url, "enabled_events": ["product.created"]})
        assert made.secret.startswith("whsec_")
        shop.api.webhook_endpoints.delete(made.id)
        shop.api.products.create({"name": "Unheard"})
        assert shop.control("GET", "/_control/deliveries")["pending"] == 0


def test_nothing_is_lost_when_the_process_is_killed(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.failures = 10**9  # down, as when Usher and its stand-ins die together
    settings = Config(**config(endpoint, enabled_events=["customer.created"], retry_seconds=0.02))
    first = launch("stripe", data_dir=tmp_path, config=settings).wait_ready()
    order, key = {"email": "kept@example.com"}, {"idempotency_key": "k1"}
    transport = stripe.RequestsClient()

    def api(url: str) -> Any:
        return stripe.StripeClient("sk_test_1", base_addresses={"api": url}, http_client=transport).v1

    customer = api(first.url).customers.create(order, key)
    first.kill()
    endpoint.failures = 0
    second = launch("stripe", data_dir=tmp_path, config=settings).wait_ready()
    try:
        assert api(second.url).customers.create(order, key).id == customer.id
        (event,) = endpoint.wait_for(1)
        assert event.data.object.id == customer.id
        assert control(second.url, "GET", "/_control/calls")["POST /v1/customers"]["effects"] == 1
    finally:
        second.stop()
        transport.close()


def test_every_object_held_can_be_counted() -> None:
    with opened_shop() as shop:
        shop.subscribe(shop.customer())
        counts = shop.control("GET", "/_control/objects")["counts"]
    assert {kind: counts[kind] for kind in ("customer", "subscription", "invoice", "charge")} == {
        "customer": 1, "subscription": 1, "invoice": 1, "charge": 1,
    }  # fmt: skip
