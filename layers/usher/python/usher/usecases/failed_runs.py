"""Reconciliations that broke: filed where a person sees them, and resumed from where they broke."""

import re
from typing import Any

from usher.domain import times
from usher.domain.errors import Conflict, NotFound
from usher.domain.strict_json import parse
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Item
from usher.records.failures import Failure, Failures, of_run
from usher.records.reconciliations import Reconciliations, Run
from usher.usecases.file_failed_execution import ExecutionEnded
from usher.usecases.redriving import RUNNING, Order, Redriving, audited

_MODULE = re.compile(r"functions/billing/(\w+)\.py")


def file_failed_run(
    ended: ExecutionEnded, *, runs: Reconciliations, failures: Failures, clock: Clock
) -> bool:
    """Mark the run and file its execution; returns whether it was one. A slice's end is not its run's."""
    run = _run_of(ended, runs)
    if run is None or run.state == "done":
        return False
    now = clock.now()
    found = _MODULE.search(ended.cause or "")
    filed = failures.filing(
        of_run(run.run_id),
        "reconciliation",
        run.run_id,
        step=found.group(1) if found else "compare_page",
        reason=f"the run ended as {ended.status} ({ended.error or 'no error was named'})",
        correlation_id=run.correlation_id,
        now=now,
        execution=ended.execution_arn,
    )
    runs.write([runs.changing(run, state="failed", ended_at=times.text(now)), filed])
    return True


def redrive_run(failure: Failure, order: Order, s: Redriving) -> Item:
    """Resume the run where it broke; returns its execution. Raises NotFound and Conflict."""
    run = s.runs.find(failure.subject)
    if run is None or failure.execution is None:
        raise NotFound(f"no reconciliation {failure.subject}")
    holder = s.runs.running()
    if holder is None or holder.run_id != run.run_id:
        raise Conflict("another reconciliation has run since, and looked at the same: nothing is left to do")
    execution = s.workflows.describe(failure.execution)
    if execution is not None and execution.status not in RUNNING:
        now = s.clock.now()
        before, after = {"state": run.state}, {"state": "running"}
        row = s.failures.redriving(failure, by=order.by, execution=failure.execution, now=now)
        try:
            s.failures.write(
                [
                    row,
                    s.runs.changing(run, state="running"),
                    *audited(failure.failure_id, before, after, order, s),
                ]
            )
        except ConditionFailed as error:
            raise Conflict("somebody else is having this tried again right now") from error
    s.workflows.redrive(failure.execution)
    return {"reconciliation_id": run.run_id, "execution": failure.execution}


def _run_of(ended: ExecutionEnded, runs: Reconciliations) -> Run | None:
    given: Any = parse(ended.input.encode()) if ended.input else None
    run_id = given.get("run_id") if isinstance(given, dict) else None
    run = runs.find(run_id) if isinstance(run_id, str) else None
    return run if run is not None and run.execution == ended.execution_arn else None
