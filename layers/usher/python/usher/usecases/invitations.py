"""Invitations to the beta phase: made, listed and revoked. A key is told once, with its link (B10)."""

import secrets
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.invitations import invitation_id
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Write
from usher.records.audit import entry
from usher.records.invitations import Invitation, Invitations, making, revoking
from usher.usecases.fields import Body, Paged, Text
from usher.usecases.pages import page, reading_a_page

MOST = 50  # of one request: they are made in one transaction, which holds a hundred writes


class InvitationsBody(Body):
    """Body of POST /v1/invitations."""

    count: Annotated[int, Field(ge=1, le=MOST)] = 1
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 30
    note: Text | None = None


class InvitationsQuery(Paged):
    """Query of GET /v1/invitations. Expired ones are among the open ones, marked as such."""

    state: Literal["open", "used", "revoked"] = "open"


def make_invitations(
    body: InvitationsBody,
    caller: Caller,
    *,
    invitations: Invitations,
    policy: OnboardingPolicy,
    clock: Clock,
) -> dict[str, Any]:
    """`items`, each with its `key` and `link`, which are shown this once: stored is the key's hash."""
    now = clock.now()
    expires_at = times.text(now + timedelta(days=body.expires_in_days))
    keys = [f"inv-{secrets.token_urlsafe(24)}" for _ in range(body.count)]
    made = {
        key: Invitation(
            invitation_id=invitation_id(key),
            state="open",
            created_at=times.text(now),
            expires_at=expires_at,
            made_by=caller.subject,
            note=body.note,
        )
        for key in keys
    }
    all_ids = [each.invitation_id for each in made.values()]
    after = {"invitation_ids": all_ids, "expires_at": expires_at}
    audit = entry(caller, "invitations.make", subject=all_ids[0], after=after, reason=body.note, now=now)
    writes: list[Write] = [making(each) for each in made.values()]
    invitations.write([*writes, audit])
    return {
        "items": [
            _shown(each, times.text(now)) | {"key": key, "link": link(key, policy)}
            for key, each in made.items()
        ]
    }


def link(key: str, policy: OnboardingPolicy) -> str:
    """Where the invited person signs up with the key."""
    return f"{policy.product_url.rstrip('/')}/?{urlencode({'invitation-key': key})}"


def list_invitations(query: InvitationsQuery, *, invitations: Invitations, clock: Clock) -> dict[str, Any]:
    """`items`, newest first, without their keys, and `next_cursor`. Raises Problem 400 for a wrong cursor."""
    with reading_a_page():
        found = invitations.listed(query.state, limit=query.limit, cursor=query.cursor)
    now = times.text(clock.now())
    return page([_shown(Invitation.model_validate(item), now) for item in found.items], found.cursor)


def revoke_invitation(id: str, caller: Caller, *, invitations: Invitations, clock: Clock) -> dict[str, Any]:
    """Make an unused key worthless; twice is once. Raises NotFound, and Conflict when it was used."""
    found = invitations.find(id)
    if found is None:
        raise NotFound(f"no invitation {id}")
    now = clock.now()
    if found.state != "revoked":
        before, after = {"state": found.state}, {"state": "revoked"}
        audit = entry(caller, "invitations.revoke", subject=id, before=before, after=after, now=now)
        try:
            invitations.write([revoking(id), audit])
        except ConditionFailed as error:
            if 0 not in error.failed:
                raise  # two acts in one millisecond: send it again
            found = invitations.find(id)
            assert found is not None
            if found.state == "used":
                raise Conflict(f"{id} was used at {found.used_at} by {found.signup_id}") from error
    return _shown(found.model_copy(update={"state": "revoked"}), times.text(now))


def _shown(invitation: Invitation, now: str) -> dict[str, Any]:
    shown = invitation.model_dump(exclude_none=True)
    return shown | {"expired": invitation.state == "open" and invitation.expires_at <= now}
