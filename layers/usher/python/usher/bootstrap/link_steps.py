"""Services of a payment link's own steps: records, the log of events and the plans."""

from dataclasses import dataclass

from usher.bootstrap.filing import failures
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.records.accounts import Accounts
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.link_onboardings import LinkOnboardings
from usher.records.listing import Listing


@dataclass(frozen=True, slots=True)
class LinkStepServices:
    """What telling, activating and closing need. No vendor among it."""

    onboardings: LinkOnboardings
    accounts: Accounts
    listing: Listing
    log: EventLog
    failures: Failures
    policy: OnboardingPolicy
    queue: Queue
    clock: Clock


@per_platform
def services(platform: Platform) -> LinkStepServices:
    return LinkStepServices(
        onboardings=LinkOnboardings(platform.store),
        accounts=Accounts(platform.store),
        listing=Listing(platform.store),
        log=EventLog(platform.store),
        failures=failures(platform),
        policy=onboarding(),
        queue=platform.queue,
        clock=platform.clock,
    )
