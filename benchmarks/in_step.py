"""How soon our records equal Stripe's objects after something changed there.

    .venv/bin/python -m benchmarks.in_step [--changes 60]

Real: Usher as `usher up` builds it, in this process, on SQLite; Stripe's stand-in with its signed webhooks
over HTTP; the SDK; wall-clock time. One customer's subscription is changed at Stripe again and again, each
time when the change before is in step; measured is the time from Stripe's answer until our record says so.
Exits with 1 when the slowest took longer than the promise of 5 s.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import load
from tests.faults.world import opened
from usher.bootstrap.observe import logger

PROMISE = 5.0  # seconds
LIMIT = 30.0


def run(folder: Path, changes: int) -> list[float]:
    """Seconds until each of so many changes was on record."""
    took: list[float] = []
    with opened(folder, skipping=False) as world:
        world.sign_up(plan="starter-monthly")
        world.settle()
        with world.vendors.stripe() as stripe:
            [subscription] = stripe.subscriptions.list().data
            item = subscription["items"].data[0].id
            for number in range(changes):
                wanted = 2 + number
                items = [{"id": item, "quantity": wanted}]
                change = {"items": items, "proration_behavior": "none"}
                stripe.subscriptions.update(subscription.id, change)
                began = time.perf_counter()
                while world.rows("subscriptions")[0]["quantity"] != wanted:
                    if time.perf_counter() - began > LIMIT:
                        raise SystemExit(f"change {number} was not on record after {LIMIT:.0f} s")
                    time.sleep(0.005)
                took.append(time.perf_counter() - began)
    return took


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--changes", type=int, default=60)
    options = arguments.parse_args()
    logger.setLevel("CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        took = run(Path(folder), options.changes)
    p50, p95 = load.percentile(took, 0.5), load.percentile(took, 0.95)
    print(f"{len(took)} changes at Stripe, until our record says the same:")
    print(f"  p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms", end="")
    print(f" (promise {PROMISE:.0f} s)")
    sys.exit(max(took) > PROMISE)


if __name__ == "__main__":
    main()
