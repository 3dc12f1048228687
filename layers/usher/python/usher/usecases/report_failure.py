"""How a failure is kept and told: one message with the reason, whose it is, and where to look."""

from datetime import datetime

from usher.domain import times
from usher.domain.errors import UsherError
from usher.ports.chat import Chat
from usher.ports.store import Item
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


def report_failure(
    chat: Chat, signup: Signup, *, headline: str, step: str, reason: str, now: datetime, public_url: str
) -> Item:
    """Post the failure; returns it as the record keeps it, with `untold` when it could not be posted.

    A chat that is down must not keep a failure from being recorded, so its own failure is a value here.
    The message names the account by id: who the person is stands behind the link.
    """
    failure: Item = {
        "step": step,
        "reason": reason,
        "since": times.text(now),
        "correlation_id": signup.correlation_id,
    }
    link = f"{public_url}/v1/signups/{signup.signup_id}"
    whose = f"sign-up {signup.signup_id}, plan {signup.plan}, {signup.correlation_id}"
    try:
        chat.post(text=f"{headline}: {reason}\n{whose}\n{link}")
    except UsherError as error:
        failure["untold"] = type(error).__name__
    return failure
