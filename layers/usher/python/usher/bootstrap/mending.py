"""Services of redrives: the list of failures, and all that what is on it can be sent back into."""

from dataclasses import dataclass

from usher.bootstrap.filing import failures
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.errors import UsherError
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.platform import Platform
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.inbox import Inbox
from usher.records.link_onboardings import LinkOnboardings
from usher.records.reconciliations import Reconciliations
from usher.records.signups import Signups
from usher.settings import settings
from usher.usecases.link_reopening import LinkReopening
from usher.usecases.redriving import Redriving


@dataclass(frozen=True, slots=True)
class MendingServices:
    """What redriving, and looking at what came of it, needs."""

    redriving: Redriving
    log: EventLog
    policy: OnboardingPolicy
    public_url: str


@per_platform
def services(platform: Platform) -> MendingServices:
    redriving = Redriving(
        failures=failures(platform),
        signups=Signups(platform.store),
        inbox=Inbox(platform.store),
        runs=Reconciliations(platform.store),
        links=LinkReopening(
            onboardings=LinkOnboardings(platform.store),
            accounts=Accounts(platform.store),
            records=BillingRecords(platform.store, EventLog(platform.store)),
        ),
        workflows=platform.workflows,
        queue=platform.queue,
        clock=platform.clock,
    )
    return MendingServices(redriving, EventLog(platform.store), onboarding(), settings().public_url)


def not_mended(failure_id: str, error: UsherError) -> None:
    """Log that this row could not be looked at or tried again; the schedule goes on with the next one."""
    logger.error("failure not mended", failure_id=failure_id, error=type(error).__name__)
