"""What operators want to know of is put into words, on its way to their channel."""

from usher.domain.chat_messages import About, message
from usher.domain.event import Envelope
from usher.ports.queue import Queue
from usher.records.failures import Failures, of_signup
from usher.records.signups import Signups
from usher.usecases.post_to_slack import CHAT
from usher.usecases.post_to_slack import waiting as to_be_posted


def tell_operators(
    event: Envelope, *, signups: Signups, failures: Failures, queue: Queue, public_url: str
) -> str:
    """Queue the message of one of our onboarding events; returns its text.

    What a redrive would help is told with the row to redrive. Nobody is named: who it is stands behind
    the link.
    """
    signup_id = str(event.payload["signup_id"])
    signup = signups.get(signup_id)
    failure = failures.find(of_signup(signup_id))
    wait = signup.waiting or {}
    asked = {name: value for name, value in wait.items() if name in ("reviewer", "delegate", "default")}
    about = About(
        signup_id=signup_id,
        account_id=event.account_id,
        plan=signup.plan or "none: credits",
        correlation_id=event.correlation_id,
        failure_id=failure.failure_id if failure and failure.state == "open" else None,
        url=f"{public_url}/v1/signups/{signup_id}",
    )
    told = message(event.type, {**event.payload, **asked}, about)
    queue.send(CHAT, [to_be_posted(told)])
    return told.text
