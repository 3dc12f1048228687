"""Services of whatever files a failure: the records it is filed with, and the metric that pages."""

from dataclasses import dataclass

from usher.bootstrap.metrics import count
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.inbox import Inbox
from usher.records.reconciliations import Reconciliations
from usher.records.signups import Signups

FILED = "FailureFiled"


@dataclass(frozen=True, slots=True)
class FilingServices:
    """What filing a failure needs. No vendor among it."""

    signups: Signups
    inbox: Inbox
    log: EventLog
    failures: Failures
    policy: OnboardingPolicy
    clock: Clock
    runs: Reconciliations


def failures(platform: Platform) -> Failures:
    """The list of failures; what is put on it leaves a line in the log and counts for the alarm."""
    return Failures(platform.store, on_filed=_tell)


def _tell(failure_id: str, kind: str) -> None:
    logger.error("failure filed", failure_id=failure_id, kind=kind)
    count(FILED)


@per_platform
def services(platform: Platform) -> FilingServices:
    return FilingServices(
        signups=Signups(platform.store),
        inbox=Inbox(platform.store),
        log=EventLog(platform.store),
        failures=failures(platform),
        policy=onboarding(),
        clock=platform.clock,
        runs=Reconciliations(platform.store),
    )
