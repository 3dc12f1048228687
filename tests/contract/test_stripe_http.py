"""The connections below Stripe's SDK: what comes back as answer, and what a host that is silent leads to."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.contract.stripe_shop import opened_shop
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import VendorRejected, VendorUnavailable

KEY = "sk_test_shop"


@contextlib.contextmanager
def calling(api_base: str, **options: float) -> Iterator[StripeCalls]:
    calls = StripeCalls(api_base=api_base, api_key=KEY, **options)
    yield calls
    calls._http.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_an_answer_is_its_json_and_a_refusal_its_code() -> None:
    with opened_shop() as shop, calling(shop.url) as calls:
        made = calls.call("post", "/v1/customers", {"email": "ada@example.com"}, "signup/su_1/customer")
        again = calls.call("post", "/v1/customers", {"email": "ada@example.com"}, "signup/su_1/customer")
        assert made == again == calls.call("get", f"/v1/customers/{made['id']}")
        with pytest.raises(VendorRejected) as refused:
            calls.call("get", "/v1/customers/cus_nobody")
    assert (refused.value.status, refused.value.code) == (404, "resource_missing")


def test_a_host_that_is_silent_leaves_the_outcome_unknown(listener: socket.socket) -> None:
    host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with calling(host, timeout=0.05) as calls, pytest.raises(VendorUnavailable) as silent:
        calls.call("post", "/v1/customers", {"email": "ada@example.com"}, "signup/su_1/customer")
    assert silent.value.outcome_unknown


def test_a_connection_that_ends_without_an_answer_is_not_tried_again(listener: socket.socket) -> None:
    """The workflow owns retries: below it a call is made once."""
    taken: list[bytes] = []

    def hang_up() -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                with connection:
                    taken.append(connection.recv(65536))

    thread = threading.Thread(target=hang_up)
    thread.start()
    host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with calling(host) as calls, pytest.raises(VendorUnavailable):
        calls.call("post", "/v1/customers", {"email": "ada@example.com"}, "signup/su_1/customer")
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert [request.split(b"\r\n")[0] for request in taken] == [b"POST /v1/customers HTTP/1.1"]


def test_a_prefix_of_the_address_is_kept(listener: socket.socket) -> None:
    taken: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            taken.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    thread = threading.Thread(target=answer)
    thread.start()
    with calling(f"http://127.0.0.1:{listener.getsockname()[1]}/stripe") as calls:
        assert calls.call("get", "/v1/prices", {"active": True}) == {}
    thread.join()
    assert taken[0].startswith(b"GET /stripe/v1/prices?active=")
