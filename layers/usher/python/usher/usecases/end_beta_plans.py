"""Schedule end-beta-plans: what was given an end, and has come to it, ends."""

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.records.accounts import Accounts
from usher.records.unbilled import UnbilledPlans
from usher.usecases.migrate_beta import beta_plans


def end_beta_plans(*, accounts: Accounts, unbilled: UnbilledPlans, plans: PlanCatalog, clock: Clock) -> int:
    """End a hundred at most, with their events; returns how many. Access ended at the moment itself."""
    ended = 0
    for plan in beta_plans(plans):
        for own in unbilled.due(plan, clock.now()):
            account = accounts.find(own.account_id)
            assert account is not None  # its plan began with it
            try:
                unbilled.end(own, correlation_id=account.correlation_id, now=clock.now())
                ended += 1
            except ConditionFailed:
                continue  # its customer subscribed, or another run ended it, at this moment
    return ended
