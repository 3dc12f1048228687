"""A new customer is told to the operators' channel, when policy asks for that."""

from pydantic import BaseModel, ConfigDict

from usher.domain.onboarding import OnboardingPolicy
from usher.ports.chat import Chat
from usher.records.signups import Signups


class AnnounceSuccess(BaseModel):
    """The payload of onboarding.completed."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    signup_id: str


def announce_success(
    command: AnnounceSuccess, *, signups: Signups, chat: Chat, policy: OnboardingPolicy, public_url: str
) -> bool:
    """Post one line per new customer; returns whether one was posted."""
    if not policy.announce_success:
        return False
    signup = signups.get(command.signup_id)
    seconds = "" if signup.seconds_to_active is None else f" after {signup.seconds_to_active:.1f} s"
    link = f"{public_url}/v1/signups/{signup.signup_id}"
    chat.post(text=f"New customer on {signup.plan}{seconds}\n{link}, {signup.correlation_id}")
    return True
