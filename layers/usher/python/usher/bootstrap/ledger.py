"""Services of the ledger: where facts are posted, and the accounts they are of."""

from usher.bootstrap.platform import per_platform
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.ledger import Ledger
from usher.records.ledger_quarantine import Quarantine
from usher.usecases.post_ledger import Desk


@per_platform
def desk(platform: Platform) -> Desk:
    return Desk(Ledger(platform.store), Quarantine(platform.store), platform.clock)


@per_platform
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform.store)
