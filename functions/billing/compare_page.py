"""Step ComparePage of statemachines/reconciliation.asl.yaml."""

from usher.bootstrap.reconciling import services
from usher.bootstrap.run_steps import run_step
from usher.usecases.compare_page import ComparePage, compare_page
from usher.usecases.reconciling import RunResult


@run_step(ComparePage)
def handler(command: ComparePage) -> RunResult:
    s = services()
    return compare_page(
        command,
        runs=s.looking.runs,
        created=s.looking.created,
        listing=s.listing,
        most=s.looking.policy.most_per_slice,
        clock=s.looking.clock,
    )
