"""Stripe's API by its SDK: one pool of connections, one client per key, errors in Usher's words."""

import threading
from collections.abc import Iterator
from typing import Any

from stripe import StripeClient

from usher.adapters.stripe_errors import calling
from usher.adapters.stripe_http import PooledHttp
from usher.adapters.vendor_errors import ApiKey, reader
from usher.ports.admission import UNLIMITED, Admission


class StripeCalls:
    """Calls paths of the API and answers their JSON.

    Args:
        api_base: `https://api.stripe.com`, or the stand-in's address.
        api_key: a restricted key, or how to read it.
        timeout: seconds per call; the SDK's own retries are off, the workflow owns them.
        connections: kept alive at most.
        admission: when each call may be made.
    """

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        timeout: float = 10.0,
        connections: int = 32,
        admission: Admission = UNLIMITED,
    ) -> None:
        self._admission = admission
        self._key = reader(api_key)
        self._api_base = api_base
        self._http = PooledHttp(api_base=api_base, timeout=timeout, connections=connections)
        self._connected: StripeClient | None = None
        self._connected_with = ""
        self._lock = threading.Lock()

    def call(
        self, method: str, path: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """One request; returns the answer's JSON. Raises what `calling` says."""
        options = {"idempotency_key": idempotency_key} if idempotency_key else {}
        with self._admission.call("stripe", bucket(method, path)), calling(f"{method} {path.split('/')[2]}"):
            answer: dict[str, Any] = self._client.raw_request(method, path, **(params or {}), **options).data
            return answer

    def pages(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every object of a list, newest first."""
        after: dict[str, Any] = {}
        while True:
            page = self.call("get", path, {**params, **after, "limit": 100})
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def close(self) -> None:
        """Drop the kept connections."""
        self._http.close()

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


def bucket(method: str, path: str) -> str:
    """The endpoint's bucket: `stripe:customers` for a POST, `stripe:get-customers`, `stripe:invoices-pay`."""
    words = path.split("/")[2::2]
    return "stripe:" + "-".join(words if method == "post" else [method, *words])
