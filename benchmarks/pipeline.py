"""The whole pipeline on one machine: `usher up`, the real SDKs, the stand-ins with their webhooks (G2).

    .venv/bin/python benchmarks/pipeline.py [--burst 600] [--steady 300]

Two runs on a fresh data directory. The burst posts all sign-ups at once and counts until the last one has its
CRM records and its welcome mail and Stripe's webhooks are all taken: that is the sustained rate. The steady
run posts 10 a second and reads from each sign-up how long it took to be active. Everything, this load
included, shares the cores. Exits with 1 when a budget is not met.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import load

ROOT = Path(__file__).parents[1]
RATE_BUDGET, ACTIVE_P95_BUDGET = 30.0, 3.0  # sign-ups a second; seconds at 10 a second (DESIGN.md section 6)
CALLS_BUDGET = {"HUBSPOT": 0.15, "POSTMARK": 0.05}  # calls per sign-up under load


def wait_until_done(
    env: dict[str, str], accepted: list[dict[str, Any]], limit: float
) -> list[dict[str, Any]]:
    """The status of every sign-up once none is under way; asks for those still open, gently."""
    done: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + limit
    while len(done) < len(accepted):
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(done)} of {len(accepted)} sign-ups ended within {limit:.0f} s")
        for answer in accepted:
            if answer["signup_id"] in done:
                continue
            status = load.get(
                env["USHER_URL"], f"/v1/signups/{answer['signup_id']}", env["USHER_PRODUCT_TOKEN"]
            )
            if status["stage"] not in {"welcomed", "failed"} and status["status"] not in {
                "degraded",
                "failed",
            }:
                break  # they end nearly in order: no need to ask for the later ones yet
            done[answer["signup_id"]] = status
        time.sleep(0.1)
    return list(done.values())


def wait_until_told(env: dict[str, str], limit: float) -> None:
    """Return once every webhook the stand-in owed has been acknowledged: they are part of the work."""
    deadline = time.monotonic() + limit
    while load.get(env["STRIPE_API_BASE"], "/_control/deliveries")["pending"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"Stripe's webhooks were not all taken within {limit:.0f} s")
        time.sleep(0.05)


def calls(env: dict[str, str], vendor: str) -> dict[str, int]:
    """Calls per operation that a stand-in has counted so far."""
    answer = load.get(env[f"{vendor}_API_BASE"], "/_control/calls")
    counted = answer.get("calls", answer)
    return {
        name: int(value["calls"] if isinstance(value, dict) else value) for name, value in counted.items()
    }


def tell_calls(before: dict[str, dict[str, int]], env: dict[str, str], signups: int) -> bool:
    """Print the calls since `before`; returns whether the budgets of them are met."""
    met = True
    for vendor, old in before.items():
        new = {name: count - old.get(name, 0) for name, count in calls(env, vendor).items()}
        rate, budget = sum(new.values()) / signups, CALLS_BUDGET.get(vendor)
        detail = ", ".join(f"{name} {count}" for name, count in sorted(new.items()) if count)
        allowed = "" if budget is None else f" (budget {budget})"
        print(f"  {vendor.lower():9} {rate:6.3f} calls per sign-up{allowed}: {detail}")
        met = met and (budget is None or rate <= budget)
    return met


def burst(env: dict[str, str], count: int, usher: int) -> bool:
    vendors = {vendor: calls(env, vendor) for vendor in ("STRIPE", "PRODUCT", "HUBSPOT", "POSTMARK")}
    requests = [load.sign(env["USHER_SIGNUP_SECRET"], "burst", number) for number in range(count)]
    spent = load.process_seconds(usher)
    began = time.perf_counter()
    posted = load.post(env["USHER_URL"], requests, connections=8)
    ended = wait_until_done(env, posted.accepted, limit=300)
    wait_until_told(env, limit=60)
    took = time.perf_counter() - began
    whole = sum(status["status"] == "active" for status in ended)
    print(f"burst: {count} sign-ups, answers {posted.statuses}, all acknowledged in {posted.elapsed:.1f} s")
    rate = whole / took
    print(
        f"  {whole} active, CRM, mail and webhooks done after {took:.1f} s: "
        f"{rate:.1f}/s (budget {RATE_BUDGET:.0f})"
    )
    each = {name: 1000 * (s - spent[name]) / count for name, s in load.process_seconds(usher).items()}
    print("  CPU a sign-up: " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in sorted(each.items())))
    few_calls = tell_calls(vendors, env, count)
    return bool(whole == count and rate >= RATE_BUDGET and few_calls)


def steady(env: dict[str, str], count: int) -> bool:
    requests = [load.sign(env["USHER_SIGNUP_SECRET"], "steady", number) for number in range(count)]
    posted = load.post(env["USHER_URL"], requests, connections=8, per_second=10)
    ended = wait_until_done(env, posted.accepted, limit=120)
    seconds = [status["timings"]["seconds_to_active"] for status in ended if status["status"] == "active"]
    p50, p95, p99 = (load.percentile(seconds, share) for share in (0.5, 0.95, 0.99))
    print(f"steady: {count} sign-ups at 10/s, {len(seconds)} active")
    print(f"  to active: p50 {p50:.2f} s, p95 {p95:.2f} s (budget {ACTIVE_P95_BUDGET:.0f}), p99 {p99:.2f} s")
    print(f"  acknowledged in {statistics.median(posted.seconds) * 1000:.1f} ms (median)")
    return len(seconds) == count and p95 <= ACTIVE_P95_BUDGET


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--burst", type=int, default=600)
    arguments.add_argument("--steady", type=int, default=300)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "infra.local.cli", "up", "--port", "0", "--data", folder]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "ready" in line.lower():
                    break
            env = load.environment(Path(folder))
            print(load.machine())
            met = [burst(env, options.burst, process.pid), steady(env, options.steady)]
        finally:
            process.terminate()
            process.wait(timeout=30)
    print("budgets met" if all(met) else "budgets NOT met")
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
