"""Services of whatever tells the operators: the sign-ups' records and the channel in Slack."""

from dataclasses import dataclass

from usher.adapters.slack_chat import SlackChat
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import onboarding
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.settings import settings


@dataclass(frozen=True, slots=True)
class TellingServices:
    """What recording and telling a failure or a success needs."""

    signups: Signups
    log: EventLog
    chat: Chat
    policy: OnboardingPolicy
    clock: Clock
    public_url: str


@per_platform
def services(platform: Platform) -> TellingServices:
    here = settings()
    return TellingServices(
        signups=Signups(platform.store),
        log=EventLog(platform.store),
        chat=SlackChat(
            api_base=here.slack_api_base,
            api_key=lambda: platform.secrets.get("slack_webhook"),
            timeout=here.vendor_timeout_seconds,
        ),
        policy=onboarding(),
        clock=platform.clock,
        public_url=here.public_url,
    )
