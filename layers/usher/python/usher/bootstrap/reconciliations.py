"""Services of whatever starts, reads or ends reconciliations. No vendor among it."""

from dataclasses import dataclass

from usher.bootstrap.filing import failures
from usher.bootstrap.metrics import counted
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import reconciliation
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.ports.blobs import Blobs
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.workflows import Workflows
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations

FOUND, OPEN, ALARMS = "MismatchesFound", "MismatchesOpen", "ReconciliationAlarms"


@dataclass(frozen=True, slots=True)
class ReconciliationsServices:
    """What runs and mismatches need."""

    runs: Reconciliations
    mismatches: Mismatches
    failures: Failures
    workflows: Workflows
    blobs: Blobs
    log: EventLog
    policy: ReconciliationPolicy
    clock: Clock


@per_platform
def services(platform: Platform) -> ReconciliationsServices:
    return ReconciliationsServices(
        runs=Reconciliations(platform.store),
        mismatches=Mismatches(platform.store),
        failures=failures(platform),
        workflows=platform.workflows,
        blobs=platform.blobs,
        log=EventLog(platform.store),
        policy=reconciliation(),
        clock=platform.clock,
    )


def measured(found: int, still_open: int, alarm: bool) -> None:
    """What a run found, as metrics."""
    counted(FOUND, found)
    counted(OPEN, still_open)
    counted(ALARMS, int(alarm))
