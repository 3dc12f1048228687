"""Intake: verify, dedupe, store and queue webhooks, at the handler and over HTTP, every one durable.

    .venv/bin/python -m benchmarks.intake [--count 6000] [--threads 8] [--connections 32]

The handlers of functions/intake run on the local platform (SQLite with `synchronous=FULL`); nobody consumes.
At the handler they get API Gateway's events from threads of this process; over HTTP the local gateway gets
the requests of another process, which shares the machine's cores. Every webhook is another one. Afterwards
each must stand once in the inbox and once in its queue.
"""

import argparse
import hashlib
import hmac
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks import load
from benchmarks.keep_alive import Answers, post_all
from functions.intake import receive_signup, receive_stripe
from infra import catalog, policy_files
from infra.local.clock import LocalClock
from infra.local.database import opened
from infra.local.functions import Functions, Handler
from infra.local.gateway import Gateway
from infra.local.gateway_events import HttpRequest, to_event
from infra.local.gateway_server import GatewayServer
from infra.local.keeper import OneCommit
from infra.local.platform import LocalPlatform
from infra.local.queues import LocalQueue
from infra.local.secrets import FileSecrets
from infra.local.signed_posts import Signed
from infra.local.sqlite_store import SqliteStore
from usher import settings as usher_settings
from usher.bootstrap import platform as usher_platform
from usher.bootstrap import policies as usher_policies
from usher.settings import Settings

HANDLER_RATE, HANDLER_P99, HTTP_RATE = 1500.0, 30.0, 700.0  # a second, ms, a second (DESIGN.md section 6)
SIGNUP_SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBpbnRha2UgYmVuY2htYXJr"
STRIPE_SECRET = "whsec_" + secrets.token_hex(16)


@dataclass(frozen=True)
class Kind:
    """One kind of webhook: where it goes, how to make the n-th of a run, and what must be left of it."""

    path: str
    handler: Handler
    queue: str
    make: Callable[[str, int], Signed]
    event_id: Callable[[str, int], str]
    status: int


def stripe_event(run: str, number: int) -> Signed:
    """An event of a subscription that somebody changed in Stripe's dashboard."""
    subscription = {
        "id": f"sub_{run}{number}",
        "object": "subscription",
        "customer": f"cus_{run}{number % 500}",
        "status": "active",
        "items": {"data": [{"id": f"si_{number}", "price": {"id": "price_1", "unit_amount": 4900}}]},
        "metadata": {"signup_id": f"su_{run}{number}"},
    }
    event = {
        "id": f"evt_{run}{number}",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": int(time.time()),
        "data": {"object": subscription},
        "request": {"id": f"req_{number}", "idempotency_key": None},
    }
    body, timestamp = json.dumps(event, indent=2).encode(), str(int(time.time()))
    mac = hmac.new(STRIPE_SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": f"t={timestamp},v1={mac}",
    }
    return Signed(body, headers)


SIGNUP = Kind(
    "/webhooks/signup",
    receive_signup.handler,
    "signups",
    lambda run, number: load.sign(SIGNUP_SECRET, run, number),
    lambda run, number: f"signup#msg_{run}_{number}",
    202,
)
STRIPE = Kind(
    "/webhooks/stripe",
    receive_stripe.handler,
    "stripe-events",
    stripe_event,
    lambda run, number: f"stripe#evt_{run}{number}",
    200,
)


@contextmanager
def platform() -> Iterator[LocalPlatform]:
    """The part of a local platform that intake uses, on a fresh database, installed for the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        database = stack.enter_context(opened(folder / "intake.db", synchronous="FULL"))
        clock = LocalClock()
        stack.callback(clock.close)
        own = FileSecrets(folder / "secrets.json")
        own.provide({"signup_webhook": SIGNUP_SECRET, "stripe_webhook": STRIPE_SECRET})
        unused = cast(Any, None)  # intake knows neither bus nor workflows nor blobs
        here = LocalPlatform(
            store=(store := SqliteStore(database, catalog.TABLES, clock)),
            queue=(queue := LocalQueue(database, catalog.QUEUES, clock)),
            keeper=OneCommit(database, store, queue),
            bus=unused,
            workflows=unused,
            blobs=unused,
            secrets=own,
            clock=clock,
        )
        usher_policies.install(policy_files.load_all())
        usher_settings.install(Settings(public_url="http://127.0.0.1:8080"))
        usher_platform.install(here)
        stack.callback(usher_platform.install, None)
        yield here


def at_handler(kind: Kind, requests: Sequence[Signed], threads: int) -> Answers:
    """Call the handler with API Gateway's event of each request from this many threads."""
    events = [
        to_event(
            HttpRequest(
                f"request-{number}",
                "POST",
                kind.path,
                b"",
                [(name.encode(), value.encode()) for name, value in request.headers.items()],
                request.body,
                "127.0.0.1",
                "HTTP/1.1",
                time.time(),
            ),
            f"POST {kind.path}",
            {},
        )
        for number, request in enumerate(requests)
    ]
    waiting, answers, lock = iter(events), Answers(), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                event = next(waiting, None)
            if event is None:
                return
            began = time.perf_counter()
            status = kind.handler(event, None)["statusCode"]
            took = time.perf_counter() - began
            with lock:
                answers.seconds.append(took)
                answers.statuses[status] += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    answers.elapsed = time.perf_counter() - began
    return answers


def over_http(kind: Kind, requests: Sequence[Signed], connections: int) -> Answers:
    """Post the requests to the local gateway from another process."""
    gateway = Gateway(catalog.ROUTES, Functions(catalog.FUNCTIONS), authorizer=catalog.AUTHORIZER)
    server = GatewayServer(gateway)
    server.start()
    try:
        return post_all(server.url, kind.path, requests, connections=connections)
    finally:
        server.stop()
        gateway.close()


def check(here: LocalPlatform, kind: Kind, run: str, count: int, answers: Answers) -> None:
    """Raises SystemExit unless all were accepted, and each is stored and queued once."""
    if answers.statuses != {kind.status: count}:
        raise SystemExit(f"{kind.path}: {count} webhooks were answered {dict(answers.statuses)}")
    expected = {kind.event_id(run, number) for number in range(count)}
    missing = sum(here.store.get("inbox", {"event_id": each}) is None for each in expected)
    queue = cast(LocalQueue, here.queue)
    queued: list[str] = []
    while taken := queue.receive(kind.queue, hold=True):
        queued += [json.loads(message.body)["event_id"] for message in taken]
        queue.delete(kind.queue, [message.receipt for message in taken], wait=False)
    if missing or len(queued) != count or set(queued) != expected:
        raise SystemExit(f"{kind.path}: of {count}, {missing} are not stored, {len(queued)} queued")


def show(title: str, answers: Answers, rate_budget: float, p99_budget: float | None = None) -> bool:
    """Print the figures of one run; returns whether it met its budgets."""
    rate = len(answers.seconds) / answers.elapsed
    p50, p95, p99 = (load.percentile(answers.seconds, share) * 1000 for share in (0.5, 0.95, 0.99))
    met = rate >= rate_budget and (p99_budget is None or p99 <= p99_budget)
    budget = f"{rate_budget:.0f}/s" + (f", p99 {p99_budget:.0f} ms" if p99_budget else "")
    print(
        f"{title:29} {rate:6.0f}/s  p50 {p50:5.1f}  p95 {p95:5.1f}  p99 {p99:5.1f} ms  "
        f"(budget {budget}: {'met' if met else 'NOT met'})",
        flush=True,
    )
    return met


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=6000)
    arguments.add_argument("--threads", type=int, default=8)
    arguments.add_argument("--connections", type=int, default=32)
    options = arguments.parse_args()
    count = options.count
    met = []
    print(load.machine())
    print(f"{count} webhooks a run, {options.threads} threads, {options.connections} connections")
    with load.Bystanders() as others, platform() as here:
        for name, kind in (("sign-ups", SIGNUP), ("Stripe events", STRIPE)):
            requests = [kind.make("handler", number) for number in range(count)]
            answers = at_handler(kind, requests, options.threads)
            check(here, kind, "handler", count, answers)
            met.append(show(f"{name}, at the handler", answers, HANDLER_RATE, HANDLER_P99))
    print(f"  other processes kept {others.cores:.1f} cores busy meanwhile")
    with load.Bystanders() as others, platform() as here:
        for name, kind in (("sign-ups", SIGNUP), ("Stripe events", STRIPE)):
            requests = [kind.make("http", number) for number in range(count)]
            answers = over_http(kind, requests, options.connections)
            check(here, kind, "http", count, answers)
            met.append(show(f"{name}, over HTTP", answers, HTTP_RATE))
    print(f"  other processes kept {others.cores:.1f} cores busy meanwhile")
    print(f"budgets {'met' if all(met) else 'NOT met'}")


if __name__ == "__main__":
    main()
