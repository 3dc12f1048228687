"""Reconciliation of many invoices: how long it takes, how that grows, and what memory it needs.

    .venv/bin/python -m benchmarks.reconcile [--invoices 100000] [--stripe-ms 0]

Measured: a whole run through the use cases behind the workflow's steps (plan, compare page by page, look
again, heal, report), over the SQLite store with `synchronous=FULL`, slice by slice in one process. One in a
thousand is planted as a mismatch (missing here, missing there, amount, status); each must be found, and
the safe ones healed by sync's own path, or the benchmark fails. Simulated: Stripe, whose lists are computed
page by page in process and held nowhere (`--stripe-ms` adds a wait to each page, as networks do). Left out:
the workflow engine, which adds some milliseconds to every thousand objects (a step compares ten pages), and
admission, which lets a run on AWS ask for a quarter of 23.5 pages a second at most: 590 invoices a second, so
that a million take half an hour.

A quarter, a half and the whole are run, each in a process of its own. Printed for each: seconds of the run,
invoices a second, CPU seconds, those per invoice against the smallest size (1.00 is linear; CPU, for it does
not hang on who else uses the machine), the peak of memory (resident set), and how much of it the run added to
what it began with. Exits with 1 when something planted was not found as planted, CPU per invoice grew by
half, or the run's own memory by half and 32 MB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.reconcile_invoices import BEGAN, SPAN, Invoices, Stripe, fill
from infra import catalog, policy_files
from infra.local.blobs import SqliteBlobs
from infra.local.database import Database, opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from usher.domain.access import Caller
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.created import Created
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations
from usher.usecases.compare_page import ComparePage, compare_page
from usher.usecases.look_again import look_again
from usher.usecases.looking import Looking
from usher.usecases.plan_reconciliation import plan_reconciliation
from usher.usecases.reconciling import RunCommand
from usher.usecases.report_reconciliation import report_reconciliation
from usher.usecases.start_reconciliation import StartBody, start_reconciliation

SLOWER, LARGER = 1.5, (1.5, 32)  # what may grow, per invoice and in all (times, MB)


def measure(count: int, wait_ms: float) -> dict[str, Any]:
    """One run over so many invoices, in this process."""
    invoices = Invoices(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usher.sqlite"
        clock = ManualClock(BEGAN + SPAN + timedelta(days=1))
        with opened(path, synchronous="OFF") as database:
            fill(SqliteStore(database, catalog.TABLES, clock), invoices)
        with opened(path, synchronous="FULL") as database:
            return run(database, clock, invoices, Stripe(invoices, wait_ms))


def run(database: Database, clock: ManualClock, invoices: Invoices, stripe: Any) -> dict[str, Any]:
    store = SqliteStore(database, catalog.TABLES, clock)
    policy = ReconciliationPolicy.model_validate(policy_files.load("reconciliation"))
    runs, mismatches, log = Reconciliations(store), Mismatches(store), EventLog(store)
    looking = Looking(
        billing=stripe,
        records=BillingRecords(store, log),
        accounts=Accounts(store),
        created=Created(store),
        mismatches=mismatches,
        runs=runs,
        policy=policy,
        clock=clock,
    )
    at_rest, began, worked = forgotten_peak(), time.perf_counter(), time.process_time()
    body = StartBody.model_validate({"from": BEGAN.date().isoformat(), "heal": True})
    started = start_reconciliation(
        body, Caller("bench", "billing"), runs=runs, workflows=Nowhere(), clock=clock
    )
    id = str(started["reconciliation_id"])
    command = RunCommand(run_id=id, correlation_id=id, entered_at=clock.now())
    plan = plan_reconciliation(command, runs=runs, mismatches=mismatches, policy=policy, clock=clock)
    for name in plan.slices:
        page = ComparePage(**command.model_dump(), slice=name)
        more = "more"
        while more == "more":
            more = compare_page(
                page,
                runs=runs,
                created=looking.created,
                listing=stripe,
                most=policy.most_per_slice,
                clock=clock,
            ).outcome
    while (looked := look_again(command, looking)).outcome != "done":
        clock.advance(looked.wait_seconds if looked.outcome == "wait" else 0)
    report_reconciliation(
        command,
        runs=runs,
        failures=Failures(store),
        blobs=SqliteBlobs(database),
        log=log,
        policy=policy,
        clock=clock,
        on_reported=lambda found, still_open, alarm: None,
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    ended = runs.find(id)
    assert ended is not None
    assert ended.counts is not None
    wanted = [kind for number in range(invoices.count) if (kind := invoices.planted(number))]
    counts = ended.counts
    right = (
        counts["found"] == len(wanted)
        and counts["open"] == wanted.count("missing_remote")
        and counts["by_kind"] == {kind: wanted.count(kind) for kind in sorted(set(wanted))}
        and counts["compared"]["all"] == invoices.count
    )
    return {
        "count": invoices.count,
        "seconds": seconds,
        "cpu": cpu,
        "peak_mb": peak(),
        "added_mb": peak() - at_rest,
        "pages": stripe.pages,
        "found": counts["found"],
        "right": right,
    }


class Nowhere:
    """Workflows that nobody runs: the steps are called here."""

    def start(self, workflow: str, *, name: str, input: Any) -> str:
        return name

    def execution_id(self, workflow: str, name: str) -> str:
        return name

    def describe(self, execution_id: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def forgotten_peak() -> float:
    """Let the peak begin anew; returns what is held now, in MB. Linux alone can."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """The largest resident set of this process since then, in MB."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--invoices", type=int, default=100_000)
    arguments.add_argument("--stripe-ms", type=float, default=0.0)
    arguments.add_argument("--alone", action="store_true", help="one size, in this process, as JSON")
    options = arguments.parse_args()
    if options.alone:
        print(json.dumps(measure(options.invoices, options.stripe_ms)))
        return
    print(load.machine(), flush=True)
    met = True
    first: dict[str, Any] | None = None
    for size in (options.invoices // 4, options.invoices // 2, options.invoices):
        command = [sys.executable, "-m", "benchmarks.reconcile", "--alone", f"--invoices={size}"]
        command.append(f"--stripe-ms={options.stripe_ms}")
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first = first or told
        ratio = told["cpu"] / told["count"] / (first["cpu"] / first["count"])
        grown = told["added_mb"] > max(first["added_mb"] * LARGER[0], first["added_mb"] + LARGER[1])
        met = met and told["right"] and ratio <= SLOWER and not grown
        print(
            f"{size:9} invoices: {told['seconds']:6.1f} s, {size / told['seconds']:6.0f}/s, "
            f"CPU {told['cpu']:.1f} s, {ratio:4.2f} of it per invoice, {told['pages']} pages, "
            f"{told['found']} planted {'found' if told['right'] else 'NOT as planted'}, "
            f"peak {told['peak_mb']:.0f} MB, {told['added_mb']:.0f} MB of it by the run",
            flush=True,
        )
    print("budgets met" if met else "budgets NOT met")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
