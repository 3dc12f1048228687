"""The link of an invited person: looking changes nothing, the button on its page lets them in."""

from usher.domain import signed_links, times
from usher.domain.account_events import UserAccepted
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.ports.secrets import Secrets
from usher.ports.store import ConditionFailed
from usher.records.accounts import Accounts
from usher.records.events import EventLog
from usher.records.users import User, Users, accepting
from usher.usecases.customer_pages import page


def subject(user: User) -> str:
    """What the link of this person's newest invitation is signed for."""
    return f"user#{user.user_id}#{user.round}"


def take_user_invitation(
    token: str,
    *,
    press: bool,
    accounts: Accounts,
    users: Users,
    log: EventLog,
    secrets: Secrets,
    policy: OnboardingPolicy,
    clock: Clock,
) -> Answer:
    """The page of a link; `press` is whether its button was pressed. 404 for a link that is none of ours.

    410 when the link was used, has expired, or a newer one was sent.
    """
    signed = signed_links.subject_of(token, secrets.active("link_signing")) or ""
    kind, _, rest = signed.partition("#")
    user = users.find(rest.partition("#")[0]) if kind == "user" else None
    account = accounts.find(user.account_id) if user else None
    if user is None or account is None:
        return page(
            404, "This link does not work", "Please copy the whole address from the mail and try again."
        )
    if user.status == "accepted":
        link = ("Open the product", policy.product_url)
        return page(410, "You have joined already", "There is nothing left to do here.", link=link)
    if signed != subject(user):
        return page(410, "There is a newer link", "You were invited again: please use the newest mail.")
    if (user.expires_at or "") <= times.text(clock.now()) or account.status == "closed":
        return page(410, "This link has expired", "Please ask whoever invited you for a new one.")
    if not press:
        text = f"You were invited to join {account.org_name}. One click and you are in."
        return page(200, f"Join {account.org_name}", text, button="Join")
    try:
        log.commit(
            account.account_id,
            [UserAccepted(user_id=user.user_id, role=user.role)],
            [accepting(user, now=clock.now())],
            correlation_id=account.correlation_id,
            now=clock.now(),
        )
    except ConditionFailed as error:
        if 0 not in error.failed:
            raise
        # somebody, or another click, was faster by a moment: their page is the truth now
        return take_user_invitation(
            token,
            press=False,
            accounts=accounts,
            users=users,
            log=log,
            secrets=secrets,
            policy=policy,
            clock=clock,
        )
    link = ("Open the product", policy.product_url)
    return page(200, "Welcome", f"You have joined {account.org_name}.", link=link)
