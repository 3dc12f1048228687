"""People of an account: invited, then accepted. The first one, who signed up, is there from the beginning."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.domain.emails import folded, unaliased
from usher.ports.store import Absent, Both, Equals, Item, Put, Store, Update
from usher.records.accounts import USERS


class User(BaseModel):
    """One person of one account. `round` counts invitations: only the newest one's link works."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    user_id: str
    account_id: str
    email: str
    name: str
    role: str
    status: str
    created_at: str
    expires_at: str | None = None
    round: int = 0


def user_id(account_id: str, email: str) -> str:
    """The id of an account's invited person, the same however often the address is invited."""
    return ids.derived("usr", account_id, folded(email))


class Users:
    """Reads people."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, user_id: str) -> User | None:
        item = self._store.get(USERS, {"user_id": user_id})
        return None if item is None else User.model_validate(item)

    def of_account(self, account_id: str) -> list[User]:
        """An account's people, the first hundred, in the order they came; the index may lag a moment."""
        page = self._store.query(USERS, Equals("account_id", account_id), index="by_account")
        return [User.model_validate(item) for item in page.items]


def inviting(user: User, former: User | None) -> Put:
    """The write of an invitation; it fails when somebody else invited, or was accepted, meanwhile."""
    item: Item = {**user.model_dump(exclude_none=True), "email_unaliased": unaliased(user.email)}
    unchanged = Both((Equals("status", "invited"), Equals("round", former.round))) if former else None
    return Put(USERS, item, if_=unchanged or Absent("user_id"))


def accepting(user: User, *, now: datetime) -> Update:
    """The write that lets an invited person in; it fails when the invitation does not stand any more."""
    return Update(
        USERS,
        {"user_id": user.user_id},
        set={"status": "accepted", "accepted_at": times.text(now)},
        remove=("expires_at",),
        if_=Both((Equals("status", "invited"), Equals("round", user.round))),
    )
