"""Step LookAgain of statemachines/reconciliation.asl.yaml."""

from usher.bootstrap.reconciling import services
from usher.bootstrap.run_steps import run_step
from usher.usecases.look_again import look_again
from usher.usecases.reconciling import RunCommand, RunResult


@run_step(RunCommand)
def handler(command: RunCommand) -> RunResult:
    return look_again(command, services().looking)
