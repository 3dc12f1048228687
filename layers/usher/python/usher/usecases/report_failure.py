"""How a failure is told to the operators: one message with the reason, whose it is, and where to look."""

from usher.domain.errors import UsherError
from usher.ports.chat import Chat
from usher.records.signups import Signup


def failed_step(signup: Signup) -> tuple[str, str]:
    """The step that stopped the sign-up and its reason; the earliest one when several did."""
    for name, step in signup.steps.items():
        if step["status"] == "failed":
            return name, reason_of(signup, name)
    return "unknown", "no step recorded why"


def reason_of(signup: Signup, step: str) -> str:
    """Why this step did not succeed, as far as it was recorded."""
    return str(signup.steps.get(step, {}).get("error", "no reason was recorded"))


def tell_operators(chat: Chat, signup: Signup, *, headline: str, reason: str, public_url: str) -> str | None:
    """Post the failure; returns why it could not be posted, None when it was.

    A chat that is down must not keep a failure from being recorded, so its own failure is a value here.
    The message names the account by id: who the person is stands behind the link.
    """
    link = f"{public_url}/v1/signups/{signup.signup_id}"
    whose = f"sign-up {signup.signup_id}, plan {signup.plan}, {signup.correlation_id}"
    text = f"{headline}: {reason}\n{whose}\n{link}"
    try:
        chat.post(text=text)
    except UsherError as error:
        return type(error).__name__
    return None
