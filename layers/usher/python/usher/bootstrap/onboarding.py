"""Services of the onboarding workflow's own steps: records, the log of events and the plans."""

from dataclasses import dataclass

from usher.bootstrap.asking import asker
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.records.events import EventLog
from usher.records.invitations import Invitations
from usher.records.signups import Signups
from usher.usecases.answer_wait import Asker


@dataclass(frozen=True, slots=True)
class OnboardingServices:
    """What registering and activating need. No vendor among it."""

    signups: Signups
    invitations: Invitations
    log: EventLog
    plans: PlanCatalog
    policy: OnboardingPolicy
    asker: Asker
    queue: Queue
    secrets: Secrets
    clock: Clock


@per_platform
def services(platform: Platform) -> OnboardingServices:
    return OnboardingServices(
        signups=Signups(platform.store),
        invitations=Invitations(platform.store),
        log=EventLog(platform.store),
        plans=plans(),
        policy=onboarding(),
        asker=asker(platform),
        queue=platform.queue,
        secrets=platform.secrets,
        clock=platform.clock,
    )
