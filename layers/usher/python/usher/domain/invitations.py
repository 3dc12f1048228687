"""Invitations: which key opens the door, and why another does not. A key itself is kept nowhere."""

from typing import Literal

from usher.domain import ids

State = Literal["open", "used", "revoked"]


def invitation_id(key: str) -> str:
    """The id of the invitation that this key is for: 130 bits of its hash, which lead back to no key."""
    return ids.derived("inv", key)


def refusal(*, state: State, expires_at: str, used_by: str | None, signup_id: str, now: str) -> str | None:
    """Why a sign-up cannot come in by this invitation, None when it can. Times as `domain.times.text`."""
    if state == "used" and used_by == signup_id:
        return None  # an earlier try of the same sign-up
    if state == "used":
        return "its invitation key was used already"
    if state == "revoked":
        return "its invitation key was revoked"
    return "its invitation key has expired" if expires_at <= now else None
