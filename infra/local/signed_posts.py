"""Sign-ups signed and posted as a product's backend does, also many at once over kept connections."""

import http.client
import json
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Signed:
    """One ready request."""

    body: bytes
    headers: Mapping[str, str]


@dataclass
class Outcome:
    """What came back: seconds per answered request, answers by status, parsed bodies of 202s."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    elapsed: float = 0.0


def sign(secret: str, body: bytes, *, webhook_id: str, at: float | None = None) -> Signed:
    """The body with its Standard Webhooks headers; `at` is wall time in seconds since 1970, now when None."""
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body.decode()),
    }
    return Signed(body, headers)


def post(
    url: str, requests: Sequence[Signed], *, connections: int, per_second: float | None = None
) -> Outcome:
    """Post all requests to `url`/webhooks/signup, as fast as possible or at a steady rate.

    Raises OSError or http.client.HTTPException, once all threads have ended, when a request got no answer.
    """
    outcome, lock = Outcome(), threading.Lock()
    waiting: queue.SimpleQueue[tuple[int, Signed]] = queue.SimpleQueue()
    for entry in enumerate(requests):
        waiting.put(entry)
    broken: list[Exception] = []
    began = time.perf_counter()

    def work() -> None:
        connection = _connection(url)
        try:
            while True:
                try:
                    number, request = waiting.get_nowait()
                except queue.Empty:
                    return
                if per_second is not None:
                    time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                sent = time.perf_counter()
                connection.request("POST", "/webhooks/signup", request.body, request.headers)
                answer = connection.getresponse()
                content = answer.read()
                took = time.perf_counter() - sent
                with lock:
                    outcome.seconds.append(took)
                    outcome.statuses[answer.status] = outcome.statuses.get(answer.status, 0) + 1
                    if answer.status == 202:
                        outcome.accepted.append(json.loads(content))
        except (OSError, http.client.HTTPException) as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.elapsed = time.perf_counter() - began
    if broken:
        raise broken[0]
    return outcome


def get(url: str, path: str, token: str | None = None) -> Any:
    """The JSON answer of a GET. Raises RuntimeError for a status of 400 or more."""
    connection = _connection(url)
    try:
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"GET {path} answered {answer.status}: {content[:200]!r}")
    return json.loads(content)


def _connection(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=30)
