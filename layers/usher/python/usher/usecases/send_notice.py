"""Consumer of the queue `notices`: one mail to a sign-up's person, built from what is on record now."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain import money, signed_links
from usher.domain.errors import PermanentError, UsherError
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.mail import Mail
from usher.ports.secrets import Secrets
from usher.records.signups import LinkOnboarding, Signup, Signups
from usher.usecases import account_notices
from usher.usecases.account_notices import AccountNotices, Letter
from usher.usecases.post import Post


class SendNotice(BaseModel):
    """What the queue carries. `round` tells one mail of a kind from the next: first, reminder; `visit` the
    same round of another attempt.

    `about` is the id of the person that it goes to, empty for who signed up.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    notice: str
    signup_id: str
    correlation_id: str
    round: str = "first"
    visit: str = ""
    about: str = ""


class Notices:
    """What every notice may say, and who sends it."""

    def __init__(
        self,
        *,
        signups: Signups,
        of_accounts: AccountNotices,
        post: Post,
        policy: OnboardingPolicy,
        secrets: Secrets,
        public_url: str,
    ) -> None:
        self.signups = signups
        self.of_accounts = of_accounts
        self.post = post
        self.policy = policy
        self.secrets = secrets
        self.public_url = public_url

    def link(self, subject: str) -> str:
        """The address that confirms `subject` (a wait's id) with one click on its page."""
        token = signed_links.sign(subject, self.secrets.get("link_signing"))
        return f"{self.public_url}/v1/confirmations/{token}"


def send_notice(command: SendNotice, *, notices: Notices) -> str:
    """Send it once; returns the vendor's message id, or why none is needed any more.

    Raises what sending raised: the message comes again, and the mail is looked for before it is sent again.
    """
    signup = notices.signups.get(command.signup_id)
    letter = _letter(command, signup, notices)
    if letter is None:
        return "not needed any more"
    assert signup.account_id is not None  # whoever gets a notice is registered
    mail = Mail(
        mail_id=f"{command.notice}/{signup.signup_id}/{signup.attempt}/{command.round}",
        to=letter.to or signup.email,
        template=command.notice.replace("_", "-"),
        stream=notices.policy.welcome_stream,
        tag=command.notice.replace("_", "-"),
        model={"name": signup.name, "product_url": notices.policy.product_url, **letter.model},
        correlation_id=command.correlation_id,
    )
    answer = notices.post.send_once({signup.account_id: mail})[mail.mail_id]
    if isinstance(answer, UsherError):
        raise answer
    return answer


def _letter(command: SendNotice, signup: Signup, notices: Notices) -> Letter | None:
    """What is written; None: there is no reason to any more. Raises PermanentError for no kind of ours."""
    if command.notice in account_notices.KINDS:
        assert signup.account_id is not None  # these are about the account
        return notices.of_accounts.write(command.notice, signup.account_id, command.about)
    build = KINDS.get(command.notice)
    if build is None:
        raise PermanentError(f"no notice is called {command.notice}; usecases/send_notice.py lists them")
    model = build(signup, notices)
    return None if model is None else Letter(model)


def _confirm_email(signup: Signup, notices: Notices) -> dict[str, Any] | None:
    if signup.status != "waiting_confirmation" or signup.waiting is None:
        return None
    return {
        "confirm_url": notices.link(signup.wait_id("confirmation")),
        "deadline": _day(signup.waiting["deadline"]),
    }


def _payment_needed(signup: Signup, notices: Notices) -> dict[str, Any] | None:
    if signup.status != "waiting_payment" or signup.checkout_url is None or signup.waiting is None:
        return None
    return {
        "pay_url": signup.checkout_url,
        "plan": signup.plan,
        "deadline": _day(signup.waiting["deadline"]),
    }


def _payment_link(signup: Signup, notices: Notices) -> dict[str, Any] | None:
    if signup.status != "waiting_payment" or not isinstance(signup, LinkOnboarding) or not signup.email:
        return None
    return {
        "name": signup.name or signup.team_name,
        "team": signup.team_name,
        "what": signup.offer.title,
        "amount": money.text(signup.offer.amount_minor, signup.offer.currency),
        "pay_url": signup.checkout_url,
        "deadline": _day(signup.deadline),
    }


def _day(moment: str) -> str:
    """A deadline as a mail says it."""
    return f"{moment[:10]} {moment[11:16]} UTC"


KINDS: dict[str, Callable[[Signup, Notices], dict[str, Any] | None]] = {
    "confirm_email": _confirm_email,
    "payment_needed": _payment_needed,
    "payment_link": _payment_link,
}
"""Every kind of notice: the values of its template, None when there is no reason to send it any more."""
