"""The load the benchmarks apply: signed sign-ups, posted over keep-alive connections from threads."""

import http.client
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Signed:
    """One ready request: signing is done before the clock starts."""

    body: bytes
    headers: dict[str, str]


@dataclass
class Outcome:
    """What came back: seconds per answered request, answers by status, parsed bodies of 202s."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    elapsed: float = 0.0


def signup(run: str, number: int, *, plan: str = "pro-monthly") -> dict[str, Any]:
    """The body of one card sign-up, its person unlike any other of the run."""
    return {
        "type": "signup.completed",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {
            "email": f"person-{number}@{run}.example.com",
            "name": f"Person {number}",
            "company": {"name": f"Company {number} {run}", "domain": f"c{number}.example.com", "size": 12},
            "plan": plan,
            "payment_method": "pm_card_visa",
            "referral_source": "benchmark",
        },
    }


def sign(secret: str, run: str, number: int, **fields: Any) -> Signed:
    """A sign-up as a product backend sends it."""
    body = json.dumps(signup(run, number, **fields))
    webhook_id, now = f"msg_{run}_{number}", datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id=webhook_id, timestamp=now, data=body),
    }
    return Signed(body.encode(), headers)


def post(url: str, requests: list[Signed], *, connections: int, per_second: float | None = None) -> Outcome:
    """Post all requests to `url`/webhooks/signup, as fast as possible or at a steady rate."""
    outcome, lock = Outcome(), threading.Lock()
    waiting: queue.SimpleQueue[tuple[int, Signed]] = queue.SimpleQueue()
    for entry in enumerate(requests):
        waiting.put(entry)
    began = time.perf_counter()

    def work() -> None:
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=30)
        while True:
            try:
                number, request = waiting.get_nowait()
            except queue.Empty:
                break
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
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.elapsed = time.perf_counter() - began
    return outcome


def get(url: str, path: str, token: str | None = None) -> Any:
    """The JSON answer of a GET."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=30)
    connection.request("GET", path, headers={"authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"GET {path} answered {answer.status}: {content[:200]!r}")
    return json.loads(content)


def environment(data: Path) -> dict[str, str]:
    """The lines of DIR/dev.env."""
    lines = (data / "dev.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine() -> str:
    """One line about where the figures were taken."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown CPU",
    )
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{cores} cores, {model}, {datetime.now(UTC):%Y-%m-%d}"
