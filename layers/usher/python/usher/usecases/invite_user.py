"""POST /v1/accounts/{id}/users: somebody is asked by mail to join an account."""

from datetime import timedelta
from typing import Any, Literal

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.account_events import UserInvited
from usher.domain.emails import folded
from usher.domain.errors import Conflict, NotFound
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.ports.store import ConditionFailed
from usher.records.accounts import Accounts
from usher.records.audit import entry
from usher.records.events import EventLog
from usher.records.users import User, Users, inviting, user_id
from usher.usecases.asking import NOTICES
from usher.usecases.fields import Body, Email, Text


class InvitationBody(Body):
    """Body of POST /v1/accounts/{id}/users."""

    email: Email
    name: Text
    role: Literal["admin", "member"] = "member"


def invite_user(
    account_id: str,
    body: InvitationBody,
    caller: Caller,
    *,
    accounts: Accounts,
    users: Users,
    log: EventLog,
    queue: Queue,
    policy: OnboardingPolicy,
    clock: Clock,
) -> dict[str, Any]:
    """Returns the person as invited; who was invited before gets a new link, and the old one ends.

    Raises NotFound, and Conflict for a closed account and for somebody who is in already.
    """
    account = accounts.find(account_id)
    if account is None:
        raise NotFound(f"no account {account_id}")
    if account.status == "closed":
        raise Conflict("the account is closed: nobody can join it")
    if any(_same(each, body) and each.status == "accepted" for each in users.of_account(account_id)):
        raise Conflict("this address belongs to the account already")
    now = clock.now()
    id = user_id(account_id, body.email)
    former = users.find(id)
    user = User(
        user_id=id,
        account_id=account_id,
        email=body.email,
        name=body.name,
        role=body.role,
        status="invited",
        created_at=former.created_at if former else times.text(now),
        expires_at=times.text(now + timedelta(days=policy.user_invitation_days)),
        round=former.round + 1 if former else 1,
    )
    audit = entry(
        caller, "users.invite", subject=id, after={"account_id": account_id, "role": body.role}, now=now
    )
    try:
        log.commit(
            account_id,
            [UserInvited(user_id=id, role=body.role)],
            [inviting(user, former), audit],
            correlation_id=account.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if (error.failed.get(0) or {}).get("status") == "accepted":
            raise Conflict("this address belongs to the account already") from error
        raise
    notice = {
        "notice": "user_invitation",
        "signup_id": account.signup_id,
        "correlation_id": account.correlation_id,
        "about": id,
        "round": f"{id}/{user.round}",
    }
    queue.send(NOTICES, [Message(notice)])
    return {
        name: getattr(user, name) for name in ("user_id", "email", "name", "role", "status", "expires_at")
    }


def _same(user: User, body: InvitationBody) -> bool:
    return folded(user.email) == folded(body.email)
