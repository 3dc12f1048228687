"""Services of telling what accounts may do. No vendor among it."""

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import access, onboarding, plans
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.entitlements import Standings
from usher.records.events import EventLog
from usher.settings import settings
from usher.usecases.entitlements import Entitling
from usher.usecases.remembered_standings import Remembered


@per_platform
def services(platform: Platform) -> Entitling:
    """What this process remembers of accounts goes with it."""
    records = BillingRecords(platform.store, EventLog(platform.store))
    return Entitling(
        standings=Standings(platform.store, Accounts(platform.store), records),
        remembered=Remembered(),
        plans=plans(),
        policy=onboarding(),
        access=access(),
        clock=platform.clock,
        public_url=settings().public_url,
    )
