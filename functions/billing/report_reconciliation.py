"""Step ReportReconciliation of statemachines/reconciliation.asl.yaml."""

from usher.bootstrap.reconciliations import measured, services
from usher.bootstrap.run_steps import run_step
from usher.usecases.reconciling import RunCommand, RunResult
from usher.usecases.report_reconciliation import report_reconciliation


@run_step(RunCommand)
def handler(command: RunCommand) -> RunResult:
    s = services()
    return report_reconciliation(
        command,
        runs=s.runs,
        failures=s.failures,
        blobs=s.blobs,
        log=s.log,
        policy=s.policy,
        clock=s.clock,
        on_reported=measured,
    )
