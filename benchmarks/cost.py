"""What 1,000 active card sign-ups cost on AWS: counted from a run, at list prices.

    .venv/bin/python -m benchmarks.cost [--signups 300] [--per-minute 600]

A few hundred sign-ups go through Usher in one process and simulated time (infra/local/simulation): every
handler, workflow, SDK, collector, rule and ledger posting, and Stripe's webhooks until none is owed. What AWS
would bill is counted at the ports (benchmarks/cost_meter.py) and priced (benchmarks/cost_prices.py); only the
seconds of functions rest on assumptions (benchmarks/cost_durations.py), which are varied at the end.
Twice: at the pace given, and one sign-up a minute, where nothing is batched and everything is traced.
What is paid by the month is listed apart. Exits with 1 when the budget is not met at the pace given.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3

from benchmarks import load
from benchmarks.cost_durations import VENDOR_SECONDS, Assumptions, gb_seconds, sdk_cpu
from benchmarks.cost_meter import (
    REQUEST_HEAD,
    Meter,
    MeteredSecrets,
    MeteredStore,
    MeteredWorkflows,
)
from benchmarks.cost_prices import MONTHLY, PRICES, by_service, cost
from benchmarks.simulation import Crowd
from infra import catalog
from infra.local import simulation
from infra.local.simulation import START, Simulation
from infra.local.simulation.webhooks import Webhooks
from usher import settings as usher_settings
from usher.adapters.store_then_queue import StoreThenQueue
from usher.bootstrap import platform as usher_platform
from usher.bootstrap.observe import logger
from usher.domain.stripe_events import FOLLOWED

BUDGET = 0.45  # USD per 1,000 sign-ups (DESIGN.md section 6)
STRIPE_SECRET = "whsec_stripe_of_the_cost"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
QUIET_PER_MINUTE, QUIET_SIGNUPS = 1, 60
WAIT_SECONDS = 300.0
WORKERS = 160  # ten sign-ups a second of some three seconds, two steps each at a time, and room
MONTH_HOURS = 730


@dataclass
class Run:
    """What a run counted, for so many sign-ups."""

    signups: int
    per_minute: float
    meter: Meter
    transitions: int
    executions: int
    stored_bytes: int

    def per_thousand(self, given: Assumptions, sdk: dict[str, float]) -> dict[str, float]:
        """Quantities for 1,000 sign-ups, by the names of the prices."""
        found = self.meter.totals()
        uses = [*self.meter.uses.values(), self.meter.answers]
        found["gb_second"] = sum(gb_seconds(use, sdk, given) for use in uses)
        # Once more per execution than it has states: its start, should that be counted as well.
        found["transition"] = self.transitions + self.executions
        return {name: quantity * 1000 / self.signups for name, quantity in found.items()}


class _Lines(io.TextIOBase):
    """Standard output of a function, as the lines that its log would take in."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.strip():
                metric = line.startswith('{"_aws"') or '"CloudWatchMetrics"' in line
                self._meter.line("metrics" if metric else "our lines", line)
        return len(text)


def run(folder: Path, signups: int, per_minute: float) -> Run:
    """Let so many sign up at that pace; returns what it took until everything of them was done."""
    with simulation.opened(
        folder,
        webhooks={
            "webhook_url": "http://usher.simulation/webhooks/stripe",
            "webhook_secret": STRIPE_SECRET,
            "options": {"enabled_events": FOLLOWED},
        },
        schedules=False,
        workers=WORKERS,
    ) as found:
        meter = Meter(found.clock.timestamp)
        webhooks = Webhooks(
            found, secret=STRIPE_SECRET, post=lambda *of: _deliver(found, *of), seed=20261120, twice=0.0
        )
        crowd = Crowd(found)
        with _metered(found, meter):
            crowd.arrive(signups, within=timedelta(minutes=signups / per_minute))
            found.go()
            _wait(found, crowd, webhooks, signups)
        whole = crowd.signups()["active", "welcomed"]
        if whole < signups or crowd.refused:
            raise SystemExit(f"only {whole} of {signups} became active: {crowd.signups()}, {crowd.refused}")
        transitions, executions = _transitions(found)
        return Run(signups, per_minute, meter, transitions, executions, _stored(found))


def _wait(found: Simulation, crowd: Crowd, webhooks: Webhooks, signups: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while crowd.ended() < signups or webhooks.owed or not found.usher.idle():
        if time.monotonic() > deadline:
            raise SystemExit(f"{crowd.ended()} of {signups} ended, {webhooks.owed} webhooks owed")
        time.sleep(0.05)


@contextlib.contextmanager
def _metered(found: Simulation, meter: Meter) -> Iterator[None]:
    """Inside, everything this deployment does is counted, and functions behave as in production."""
    usher, vendors = found.usher, found.vendors
    functions: Any = usher.functions  # its methods are replaced, for this object only
    functions.invoke = meter.invoking(functions.invoke)
    queue: Any = usher.queue
    queue.send_all = meter.sending(queue.send_all)
    bus: Any = usher.bus
    bus.publish = meter.publishing(bus.publish)
    calling: Any = vendors
    urlopen = vendors.urlopen

    def called(pool: urllib3.HTTPConnectionPool, method: str, url: str, **given: Any) -> Any:
        name = pool.host.partition(".")[0]
        body = given.get("body") or b""
        heads = sum(len(k) + len(str(v)) + 4 for k, v in (given.get("headers") or {}).items())
        meter.add("byte_out", REQUEST_HEAD + len(url) + heads + len(body))
        with meter.outside(name, vendor=True):
            found.clock.sleep(VENDOR_SECONDS[name])
            return urlopen(pool, method, url, **given)

    calling.urlopen = called
    store = MeteredStore(usher.store, meter)
    platform = dataclasses.replace(
        usher.platform,
        store=store,
        keeper=StoreThenQueue(store, usher.queue),
        workflows=MeteredWorkflows(usher.platform.workflows, meter),
        secrets=MeteredSecrets(usher.platform.secrets, meter),
    )
    usher_platform.install(platform)
    usher_settings.install(dataclasses.replace(usher.settings, stage="prod"))
    lines = _Lines(meter)
    handler = logger.registered_handler
    former = handler.setStream(lines)  # type: ignore[attr-defined]  # it is a StreamHandler
    os.environ["_X_AMZN_TRACE_ID"] = TRACE  # each line of the log carries it there
    try:
        with contextlib.redirect_stdout(lines):
            yield
    finally:
        del os.environ["_X_AMZN_TRACE_ID"]
        handler.setStream(former)  # type: ignore[attr-defined]  # as above


def _deliver(found: Simulation, body: bytes, signature: str) -> int:
    event = {
        "version": "2.0",
        "routeKey": "POST /webhooks/stripe",
        "rawPath": "/webhooks/stripe",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "stripe-signature": signature},
        "requestContext": {"requestId": "r", "http": {"method": "POST", "path": "/webhooks/stripe"}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
    return int(found.usher.functions.invoke("intake/receive_stripe", event)["statusCode"])


def _transitions(found: Simulation) -> tuple[int, int]:
    """State transitions of all executions, each retry one more; and how many executions there were."""
    reader = found.usher.database.reader()
    entered = tries = tasks = 0
    for (text,) in reader.execute("SELECT events FROM workflow_history"):
        for _, _, kind, _ in json.loads(text):
            entered += kind.endswith("StateEntered")
            tasks += kind == "TaskStateEntered"
            tries += kind in ("TaskScheduled", "LambdaFunctionScheduled")
    executions = reader.execute("SELECT COUNT(*) FROM workflow_executions").fetchone()[0]
    return entered + max(0, tries - tasks), int(executions)


def _stored(found: Simulation) -> int:
    reader = found.usher.database.reader()
    tables = [
        name
        for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name.startswith("item_")
    ]
    sizes = (reader.execute(f"SELECT SUM(LENGTH(item)) FROM {name}").fetchone()[0] for name in tables)
    return sum(size or 0 for size in sizes)


# -- telling -----------------------------------------------------------------------------------------------


def tell(ran: Run, sdk: dict[str, float]) -> float:
    """Print what came of a run; returns the USD per 1,000."""
    quantities = ran.per_thousand(Assumptions(), sdk)
    costs = cost(quantities)
    total = sum(costs.values())
    print(f"{ran.signups} active card sign-ups, {ran.per_minute:g} a minute")
    print(f"  {'service':17} {'unit':24} {'per sign-up':>12} {'USD per 1,000':>14}")
    for service, usd in by_service(costs).items():
        names = [name for name in quantities if PRICES[name].service == service]
        for name in sorted(names, key=lambda each: -costs[each]):
            price = PRICES[name]
            print(f"  {service:17} {price.unit:24} {quantities[name] / 1000:12.3f} {costs[name]:14.4f}")
    state = "met" if total <= BUDGET else "NOT met"
    print(f"  {'total':17} {'':24} {'':12} {total:14.4f}   (budget {BUDGET}: {state})")
    return total


def tell_parts(ran: Run, sdk: dict[str, float]) -> None:
    """Print where units, bytes and seconds come from."""
    count = ran.signups
    print("  write units a sign-up: " + _listed(ran.meter.writes, count))
    print("  read units a sign-up: " + _listed(ran.meter.reads, count))
    print("  bytes of log a sign-up: " + _listed(ran.meter.logs, count, digits=0))
    print(f"  {'function':34} {'calls':>6} {'own CPU ms':>11} {'billed ms':>10}   each; vendors' calls")
    for name, use in sorted(ran.meter.uses.items(), key=lambda entry: -gb_seconds(entry[1], sdk, Assumptions())):
        each = 1000 / use.invocations
        billed = gb_seconds(use, sdk, Assumptions()) * 1024 / use.memory_mb * each
        vendors = ", ".join(f"{v} {n / use.invocations:.2f}" for v, n in use.vendor_calls.items())
        print(
            f"  {name:34} {use.invocations / count:6.2f} {use.cpu_seconds * each:11.1f} {billed:10.1f}   {vendors}"
        )


def _listed(counted: Any, count: int, digits: int = 2) -> str:
    ordered = sorted(counted.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{name} {units / count:.{digits}f}" for name, units in ordered if units)


VARIED = {
    "vendors twice as slow": Assumptions(vendors=2.0),
    "a core of Lambda's half as fast": Assumptions(cpu=2.0),
    "AWS's own answers twice as slow": Assumptions(aws=2.0),
    "one invocation in twenty cold": Assumptions(cold=0.05),
}


def tell_varied(ran: Run, sdk: dict[str, float]) -> None:
    """Print what the sum would be were an assumption wrong."""
    for name, given in VARIED.items():
        print(f"  {name}: {sum(cost(ran.per_thousand(given, sdk)).values()):.4f}")


def tell_month(ran: Run) -> None:
    """Print what is paid by the month, whoever signs up."""
    consumed = sum(len(queue.consumed) for queue in catalog.QUEUES)
    calls = sum(MONTH_HOURS * 60 / entry.every_minutes for entry in catalog.SCHEDULES)
    watched = [*catalog.QUEUES, *catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES]
    quantities: dict[str, float] = {
        "alarm": len(watched)
        + len(catalog.QUEUES)
        + len(catalog.STREAMS)
        + 4 * len(catalog.WORKFLOWS)
        + 2 * len(catalog.FUNCTIONS)
        + 5,
        "key": 1,
        "secret": len(catalog.SECRETS),
        "empty_receive": consumed * 5 * 3 * 60 * MONTH_HOURS,  # five pollers, each asks every 20 s
        "schedule_call": calls,
        "schedule_request": calls,
        "stored_gb": 0.0,
    }
    costs = cost(quantities, MONTHLY)
    print("per month, not per sign-up")
    for name, usd in sorted(costs.items(), key=lambda entry: -entry[1]):
        if usd:
            print(f"  {MONTHLY[name].service:22} {quantities[name]:10.0f} {MONTHLY[name].unit:32} {usd:8.2f}")
    kept = ran.stored_bytes / ran.signups
    print(f"  {kept:.0f} bytes stay of a sign-up: a million of them {kept / 1000 * MONTHLY['stored_gb'].usd:.2f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--signups", type=int, default=300)
    arguments.add_argument("--per-minute", type=float, default=600)
    options = arguments.parse_args()
    print(load.machine(), flush=True)
    sdk = sdk_cpu()
    totals = []
    for count, pace in ((options.signups, options.per_minute), (QUIET_SIGNUPS, QUIET_PER_MINUTE)):
        with tempfile.TemporaryDirectory() as folder:
            ran = run(Path(folder), count, pace)
        totals.append(tell(ran, sdk))
        tell_parts(ran, sdk)
        tell_varied(ran, sdk)
    tell_month(ran)
    sys.exit(0 if totals[0] <= BUDGET else 1)


if __name__ == "__main__":
    main()
