"""Step PlanReconciliation of statemachines/reconciliation.asl.yaml."""

from usher.bootstrap.reconciliations import services
from usher.bootstrap.run_steps import run_step
from usher.usecases.plan_reconciliation import Plan, plan_reconciliation
from usher.usecases.reconciling import RunCommand


@run_step(RunCommand)
def handler(command: RunCommand) -> Plan:
    s = services()
    return plan_reconciliation(command, runs=s.runs, mismatches=s.mismatches, policy=s.policy, clock=s.clock)
