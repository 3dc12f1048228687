"""Schedule end-beta-plans: Beta plans that were given an end, and have come to it."""

from usher.bootstrap.accounts import services
from usher.bootstrap.notices import scheduled
from usher.usecases.end_beta_plans import end_beta_plans


@scheduled
def handler() -> int:
    s = services()
    return end_beta_plans(accounts=s.accounts, unbilled=s.unbilled, plans=s.plans, clock=s.clock)
