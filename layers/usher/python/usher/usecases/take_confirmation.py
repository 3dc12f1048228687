"""A confirmation link: looking (mail scanners do) changes nothing, the button on its page does."""

from usher.domain import signed_links
from usher.ports.http import Answer
from usher.ports.secrets import Secrets
from usher.records.signups import Signup
from usher.usecases.answer_wait import Asker
from usher.usecases.customer_pages import page

CONFIRMED = {"decision": "approve", "by": "the owner of the address"}


def take_confirmation(token: str, *, press: bool, asker: Asker, secrets: Secrets) -> Answer:
    """The page of a link; `press` is whether its button was pressed. 404 for a link that is none of ours.

    410 when the link was used or has expired. A press that comes before the workflow asked is kept for it.
    """
    signup = _signup(token, asker, secrets)
    if signup is None:
        return page(
            404, "This link does not work", "Please copy the whole address from the mail and try again."
        )
    row = asker.waits.get(signup.wait_id("confirmation")) or {}
    if row.get("state") == "closed" or signup.status in {"expired", "rejected", "rolled_back"}:
        return page(410, "This link has expired", "You can sign up again with the same address at any time.")
    if row.get("state") == "answered":
        if press:
            asker.answer(signup, "confirmation", CONFIRMED)  # rings once more, in case the bell was lost
        return page(410, "Already confirmed", "This address is confirmed. There is nothing left to do here.")
    if not press:
        return page(
            200, "Confirm your address", "Is this your address? One click and you are in.", button="Yes"
        )
    given = asker.answer(signup, "confirmation", CONFIRMED)
    if not given.stands:  # somebody, or the deadline, was faster by a moment
        return take_confirmation(token, press=False, asker=asker, secrets=secrets)
    return page(200, "Thank you", "Your address is confirmed. We are setting things up; a mail follows.")


def _signup(token: str, asker: Asker, secrets: Secrets) -> Signup | None:
    """The sign-up that this link was made for, of its present attempt only."""
    subject = signed_links.subject_of(token, secrets.active("link_signing")) or ""
    kind, _, rest = subject.partition("#")
    signup = asker.signups.find(rest.partition("#")[0]) if kind == "confirmation" else None
    return signup if signup is not None and signup.wait_id("confirmation") == subject else None
