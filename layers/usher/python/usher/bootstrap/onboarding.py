"""Services of the onboarding room, and of those operations that file its failures."""

from dataclasses import dataclass

from usher.adapters.slack_chat import SlackChat
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding, plans
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class OnboardingServices:
    """What the workflow's own steps need: records, the log of events, and the operators' channel."""

    signups: Signups
    log: EventLog
    chat: Chat
    plans: PlanCatalog
    policy: OnboardingPolicy
    clock: Clock
    public_url: str


@per_platform
def services(platform: Platform) -> OnboardingServices:
    here = settings()
    return OnboardingServices(
        signups=Signups(platform.store),
        log=EventLog(platform.store),
        chat=SlackChat(
            api_base=here.slack_api_base,
            api_key=lambda: platform.secrets.get("slack_webhook"),
            timeout=here.vendor_timeout_seconds,
        ),
        plans=plans(),
        policy=onboarding(),
        clock=platform.clock,
        public_url=here.public_url,
    )
