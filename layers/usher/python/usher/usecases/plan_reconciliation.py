"""Step PlanReconciliation: the window of a run is cut into slices, which can be compared side by side."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.reconciliation import ObjectKind
from usher.domain.reconciliation_pages import slices
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.ports.clock import Clock
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations, Run
from usher.usecases.reconciling import RunCommand, run_of

MOST_LISTED = 100  # of the open mismatches: those that wait longest


class Plan(BaseModel):
    """The names of the slices; none in a run that only heals."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    outcome: Literal["planned"] = "planned"
    slices: tuple[str, ...]


def plan_reconciliation(
    command: RunCommand,
    *,
    runs: Reconciliations,
    mismatches: Mismatches,
    policy: ReconciliationPolicy,
    clock: Clock,
) -> Plan:
    """Write the run's slices, and what is on the list already; a second time nothing is added."""
    run, now = run_of(command, runs), clock.now()
    if run.slices is None:
        long_ago = now - timedelta(seconds=policy.quiet_seconds)
        runs.suspect(run.run_id, _listed(run, runs, mismatches), seen_at=long_ago)
    planned = [] if run.heals_of else slices(_beginnings(run, policy), times.moment(run.until))
    runs.plan(run, planned, now=now)
    return Plan(slices=tuple(each.name for each in planned))


def _listed(run: Run, runs: Reconciliations, mismatches: Mismatches) -> list[tuple[ObjectKind, str]]:
    """What is looked at whatever the lists say: what a run to be healed found, or what waits longest."""
    if run.heals_of is not None:
        found = mismatches.find_all([each.mismatch_id for each in runs.found(run.heals_of)])
        return [(row.object, row.object_id) for row in found if row.state == "open" and row.safe]
    if run.since is not None:
        return []
    rows, _ = mismatches.page("open", limit=MOST_LISTED)
    return [(row.object, row.object_id) for row in rows]


def _beginnings(run: Run, policy: ReconciliationPolicy) -> dict[ObjectKind, datetime]:
    if run.since is not None:
        return dict.fromkeys(policy.look_back_days, times.moment(run.since))
    until = times.moment(run.until)
    return {kind: until - timedelta(days=days) for kind, days in policy.look_back_days.items()}
