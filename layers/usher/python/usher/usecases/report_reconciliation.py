"""Step ReportReconciliation: what a run found is counted, written as files, and told when it is too much."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from usher.domain import times
from usher.domain.event import Event
from usher.domain.reconciliation import Side
from usher.domain.reconciliation_events import KindFound, ReconciliationThresholdExceeded
from usher.domain.reconciliation_policy import ReconciliationPolicy, exceeds
from usher.ports.blobs import Blobs
from usher.ports.clock import Clock
from usher.ports.store import Write
from usher.records.events import EventLog
from usher.records.failures import Failures, of_run
from usher.records.mismatches import Mismatch
from usher.records.reconciliations import Reconciliations, Run
from usher.usecases.reconciling import RunCommand, RunResult, run_of

HOUSE = "acc_usher"  # whose events those are that belong to no customer
OnReported = Callable[[int, int, bool], None]  # told how many were found, how many are open, and the alarm
COLUMNS = (
    *("mismatch_id", "state", "kind", "object", "object_id", "account_id", "fields"),
    *("status_there", "status_here", "amounts_there", "amounts_here", "currency_there", "currency_here"),
    *("reason", "by", "opened_at", "settled_at"),
)


def report_reconciliation(
    command: RunCommand,
    *,
    runs: Reconciliations,
    failures: Failures,
    blobs: Blobs,
    log: EventLog,
    policy: ReconciliationPolicy,
    clock: Clock,
    on_reported: OnReported,
) -> RunResult:
    """End the run: its files first; then its counts, the next run's place, and the alarm, all or none."""
    run = run_of(command, runs)
    if run.state == "done":
        return RunResult(outcome="done")
    found = list(runs.found(run.run_id))
    counts = _counts(runs, run, found)
    total, compared = counts["found"], counts["compared"]["all"]
    alarm = run.heals_of is None and exceeds(policy, found=total, compared=compared)
    now = clock.now()
    ended = {"ended_at": times.text(now), "counts": counts, "alarm": alarm, "state": "done"}
    told = run.model_dump(mode="json", exclude_none=True, exclude={"version"}) | ended
    blobs.put(report_key(run.run_id, "json"), _json(told, found), content_type="application/json")
    blobs.put(report_key(run.run_id, "csv"), _csv(found), content_type="text/csv; charset=utf-8")
    writes: list[Write] = [runs.changing(run, **ended)]
    holder = runs.running()
    if holder is not None and holder.run_id == run.run_id:
        writes.append(runs.freeing(run))
    failed = failures.find(of_run(run.run_id))
    if failed is not None and failed.state != "resolved":
        writes.append(failures.resolving(failed, now=now))
    happened: list[Event] = []
    if alarm:
        happened.append(
            ReconciliationThresholdExceeded(
                run_id=run.run_id,
                found=total,
                healed=counts["healed"],
                open=counts["open"],
                compared=compared,
                by_kind=tuple(KindFound(kind=kind, count=n) for kind, n in counts["by_kind"].items()),
            )
        )
    log.commit(HOUSE, happened, writes, correlation_id=run.correlation_id, now=now)
    on_reported(total, counts["open"], alarm)
    return RunResult(outcome="done")


def report_key(run_id: str, kind: str) -> str:
    """Where a run's report is kept: `kind` is json or csv."""
    return f"reconciliations/{run_id}/report.{kind}"


def _counts(runs: Reconciliations, run: Run, found: list[Mismatch]) -> dict[str, Any]:
    compared: Counter[str] = Counter(all=0)
    cut_short = []
    for each in runs.slices(run.run_id):
        compared[each.kind] += each.compared
        compared["all"] += each.compared
        if each.state == "too_many":
            cut_short.append(each.name)
    states = Counter(row.state for row in found)
    return {
        "compared": dict(compared),
        "found": len(found) - states["dismissed"],
        "healed": states["healed"],
        "open": states["open"],
        "dismissed": states["dismissed"],
        "by_kind": dict(sorted(Counter(row.kind for row in found if row.state != "dismissed").items())),
        **({"cut_short": cut_short} if cut_short else {}),
    }


def _json(told: dict[str, Any], found: Iterable[Mismatch]) -> bytes:
    rows = [row.model_dump(mode="json", exclude_none=True, exclude={"version"}) for row in found]
    return (json.dumps({"reconciliation": told, "mismatches": rows}, indent=1) + "\n").encode()


def _csv(found: Iterable[Mismatch]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in found:
        there, here = row.there, row.here
        values = {
            **row.model_dump(mode="json"),
            "fields": " ".join(row.fields),
            "status_there": there and there.status,
            "status_here": here and here.status,
            "currency_there": there and there.currency,
            "currency_here": here and here.currency,
            "amounts_there": _amounts(there),
            "amounts_here": _amounts(here),
        }
        writer.writerow([inert(values[name]) for name in COLUMNS])
    return text.getvalue().encode()


def _amounts(side: Side | None) -> str | None:
    return " ".join(f"{name}={value}" for name, value in sorted(side.amounts.items())) if side else None


def inert(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
