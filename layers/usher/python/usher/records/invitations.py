"""Invitations: single-use keys to the beta phase and the Beta plan, stored by the key's hash alone."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.invitations import State, refusal
from usher.ports.store import (
    Absent,
    Both,
    Either,
    Equals,
    Page,
    Present,
    Put,
    Store,
    Update,
    Write,
)

TABLE = "invitations"


class Invitation(BaseModel):
    """One invitation. `signup_id` is who used it; times are ISO 8601 UTC."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    invitation_id: str
    state: State
    created_at: str
    expires_at: str
    made_by: str
    note: str | None = None
    signup_id: str | None = None
    used_at: str | None = None

    def refusal(self, signup_id: str, now: datetime) -> str | None:
        """Why this sign-up cannot come in by it; None when it can."""
        return refusal(
            state=self.state,
            expires_at=self.expires_at,
            used_by=self.signup_id,
            signup_id=signup_id,
            now=times.text(now),
        )


class Invitations:
    """Reads invitations, and prepares their writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, invitation_id: str) -> Invitation | None:
        item = self._store.get(TABLE, {"invitation_id": invitation_id})
        return None if item is None else Invitation.model_validate(item)

    def listed(self, state: State, *, limit: int, cursor: str | None = None) -> Page:
        """Invitations in this state, the newest first. Raises InvalidCommand: a wrong cursor."""
        by_state = Equals("state", state)
        return self._store.query(
            TABLE, by_state, index="by_state", limit=limit, cursor=cursor, descending=True
        )

    def write(self, writes: list[Write]) -> None:
        """Do prepared writes, all or none. Raises ConditionFailed."""
        self._store.transact(writes)


def making(invitation: Invitation) -> Put:
    item: dict[str, Any] = invitation.model_dump(exclude_none=True)
    return Put(TABLE, item, if_=Absent("invitation_id"))


def claiming(invitation_id: str, signup_id: str, *, now: datetime) -> Update:
    """The write that uses the invitation up for this sign-up; of two that come at once, one fails."""
    free = Either((Equals("state", "open"), Equals("signup_id", signup_id)))
    return Update(
        TABLE,
        {"invitation_id": invitation_id},
        set={"state": "used", "signup_id": signup_id, "used_at": times.text(now)},
        if_=Both((Present("invitation_id"), free)),
    )


def giving_back(invitation_id: str, signup_id: str) -> Update:
    """The write that opens the invitation again: the sign-up it was used for has come to nothing."""
    return Update(
        TABLE,
        {"invitation_id": invitation_id},
        set={"state": "open"},
        remove=("signup_id", "used_at"),
        if_=Equals("signup_id", signup_id),
    )


def revoking(invitation_id: str) -> Update:
    """The write that makes an invitation worthless that nobody has used yet."""
    return Update(
        TABLE, {"invitation_id": invitation_id}, set={"state": "revoked"}, if_=Equals("state", "open")
    )
