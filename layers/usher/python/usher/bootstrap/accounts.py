"""Services of the routes about accounts, their people, their plans and invitations. No vendor among it."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.invitations import Invitations
from usher.records.unbilled import UnbilledPlans
from usher.records.users import Users
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class AccountServices:
    """What these routes need."""

    accounts: Accounts
    users: Users
    log: EventLog
    queue: Queue
    secrets: Secrets
    records: BillingRecords
    unbilled: UnbilledPlans
    invitations: Invitations
    plans: PlanCatalog
    policy: OnboardingPolicy
    clock: Clock
    public_url: str


@per_platform
def services(platform: Platform) -> AccountServices:
    log = EventLog(platform.store)
    return AccountServices(
        accounts=Accounts(platform.store),
        users=Users(platform.store),
        log=log,
        queue=platform.queue,
        secrets=platform.secrets,
        records=BillingRecords(platform.store, log),
        unbilled=UnbilledPlans(platform.store, log),
        invitations=Invitations(platform.store),
        plans=plans(),
        policy=onboarding(),
        clock=platform.clock,
        public_url=settings().public_url,
    )
