"""Services of the ledger: where facts are posted, and the accounts they are of."""

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import money
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.ledger import Ledger
from usher.records.ledger_adjustments import ProposedAdjustments
from usher.records.ledger_quarantine import Quarantine
from usher.usecases.adjust_ledger import AdjustmentDesk
from usher.usecases.post_ledger import Desk


@per_platform
def desk(platform: Platform) -> Desk:
    return Desk(Ledger(platform.store), Quarantine(platform.store), platform.clock)


@per_platform
def adjustments(platform: Platform) -> AdjustmentDesk:
    return AdjustmentDesk(
        store=platform.store,
        ledger=Ledger(platform.store),
        adjustments=ProposedAdjustments(platform.store),
        accounts=Accounts(platform.store),
        policy=money().ledger_adjustments,
        clock=platform.clock,
    )


@per_platform
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform.store)
