"""Schedule reconcile-nightly: what we hold is compared with what Stripe holds."""

from usher.bootstrap.notices import scheduled
from usher.bootstrap.reconciliations import services
from usher.usecases.start_reconciliation import start_nightly


@scheduled
def handler() -> int:
    s = services()
    return start_nightly(runs=s.runs, workflows=s.workflows, policy=s.policy, clock=s.clock)
