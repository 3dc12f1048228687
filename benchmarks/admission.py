"""A rush of sign-ups against vendors that keep their limits: what admission makes of 100,000 in an hour.

    .venv/bin/python -m benchmarks.admission [--signups 100000]

Sign-ups arrive at the pace of 100,000 in a simulated hour. Real: intake, queue, dispatch with its buckets,
engine, every step and its SDK, collectors, sweepers. Simulated: time, which stands still while anybody works
and jumps to the next moment somebody waits for, so that functions and vendors take no time and the machine's
speed has no part in the figures; the network, since the stand-ins answer in process; durability, switched
off. The stand-ins enforce Stripe's 100 calls a second in all and 25 for each endpoint, and HubSpot's 190 in
ten seconds, all in sliding windows, and Postmark's batches of 500. Stripe's webhooks are left out: they echo
our own calls, which sync skips without calling Stripe.

Printed: minutes until the last sign-up had its CRM records and its welcome mail; the share of 429s among
Stripe's answers (the vendor that is called hardest) and among all; sign-ups lost; the reserved lane's 95th
percentile while sign-ups drain and when nothing else happens, from three calls at a time every five seconds
to the endpoint that sign-ups press most; vendor calls per sign-up. Exits with 1 when a budget is not met.
"""

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks import load, simulation
from infra.local.garbage import collect_rarely
from usher.bootstrap.observe import logger

PER_HOUR = 100_000
DRAINED_BUDGET = 75 / 60  # of the time in which they arrive
REFUSED_BUDGET = 0.01
P95_BUDGET = 0.1  # seconds that the reserved lane may lose to a rush
IDLE = timedelta(minutes=10)  # watched after the last sign-up, to compare with
GIVE_UP = timedelta(hours=6)  # simulated; what has not ended by then counts as lost


def run(folder: Path, count: int) -> bool:
    """One rush; prints what came of it and returns whether the budgets are met."""
    within = timedelta(hours=count / PER_HOUR)
    minutes = within / timedelta(minutes=1)
    began = time.perf_counter()
    rush = simulation.rush(folder, count, within=within, idle=IDLE, give_up=GIVE_UP)
    took = (time.perf_counter() - began) / 60
    lost = count - rush.whole
    loaded, idle = load.percentile(rush.loaded, 0.95), load.percentile(rush.idle, 0.95)
    print(f"{count} sign-ups in {minutes:.1f} simulated minutes ({took:.1f} minutes to simulate)")
    print(f"  drained in {rush.drained:.1f} minutes (budget {minutes * DRAINED_BUDGET:.1f}), {lost} lost")
    print(
        f"  429s: {rush.refused('stripe'):.3%} of Stripe's answers, {rush.refused():.3%} of all (budget 1 %)"
    )
    print(f"  reserved lane: p95 {loaded:.2f} s in the rush ({len(rush.loaded)} calls), ", end="")
    print(f"{idle:.2f} s without ({len(rush.idle)} calls)")
    for vendor in ("stripe", "product", "hubspot", "postmark"):
        calls = sum(number for (of, _), number in rush.calls.items() if of == vendor)
        print(f"  {vendor:9} {calls / count:5.2f} calls per sign-up")
    if lost:
        print(f"  ended as {dict(rush.ends)}; turned away {dict(rush.turned_away)}")
    return (
        lost == 0
        and max(rush.refused(), rush.refused("stripe")) < REFUSED_BUDGET
        and rush.drained <= minutes * DRAINED_BUDGET
        and loaded <= idle + P95_BUDGET
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--signups", type=int, default=PER_HOUR)
    options = arguments.parse_args()
    logger.setLevel("CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        print(load.machine(), flush=True)
        collect_rarely()  # as `usher up` does
        met = run(Path(folder), options.signups)
    print("budgets met" if met else "budgets NOT met")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
