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
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3

from benchmarks import load
from benchmarks.cost_durations import VENDOR_SECONDS, sdk_cpu
from benchmarks.cost_meter import REQUEST_HEAD, Meter
from benchmarks.cost_ports import MeteredSecrets, MeteredStore, MeteredWorkflows
from benchmarks.cost_report import BUDGET, Run, tell, tell_month, tell_parts, tell_varied
from benchmarks.simulation import Crowd
from infra.local import simulation
from infra.local.simulation import Simulation
from infra.local.simulation.webhooks import Webhooks
from infra.local.stand_ins.stripe.deliveries import signature as signed
from usher import settings as usher_settings
from usher.adapters.store_then_queue import StoreThenQueue
from usher.bootstrap import platform as usher_platform
from usher.bootstrap.observe import logger
from usher.domain.stripe_events import FOLLOWED

STRIPE_SECRET = "whsec_stripe_of_the_cost"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
QUIET_PER_MINUTE, QUIET_SIGNUPS = 1, 60
WAIT_SECONDS = 300.0
WORKERS = 160  # ten sign-ups a second of some three seconds, two steps each at a time, and room


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
            found, secret=STRIPE_SECRET, post=lambda body, _: _deliver(found, body), seed=20261120, twice=0.0
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


def _deliver(found: Simulation, body: bytes) -> int:
    """Post one of Stripe's events as Stripe writes it, indented by two; returns the status."""
    body = json.dumps(json.loads(body), indent=2).encode()
    signature = signed(body, STRIPE_SECRET, found.clock.wall().timestamp())
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
