"""Waits: where a question and its answer meet, whichever comes first; one row per wait of a sign-up."""

from dataclasses import dataclass
from datetime import datetime

from usher.domain import times
from usher.ports.store import Absent, ConditionFailed, Either, Equals, Item, Store, Update

TABLE = "waits"
ASKED, ANSWERED, CLOSED = "asked", "answered", "closed"
_OPEN = Either((Absent("state"), Equals("state", ASKED)))


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer: whether it is the one that stands, the task token to ring, and the row."""

    stands: bool
    token: str | None
    row: Item


class Waits:
    """Rows of the table `waits`. What is stored is the truth; ringing the task is only the bell.

    An answer that comes before the question is found by it; one that comes twice, or after the deadline,
    finds the first one. Retries, reminders and redrives ask again: the new token takes the old one's place.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, wait_id: str) -> Item | None:
        return self._store.get(TABLE, {"wait_id": wait_id})

    def ask(self, wait_id: str, *, token: str, deadline: str, now: datetime) -> Item | None:
        """Note who waits; returns the answer when there is one already (then nobody needs to wait)."""
        values = {"state": ASKED, "token": token, "deadline": deadline, "asked_at": times.text(now)}
        try:
            self._store.write(Update(TABLE, {"wait_id": wait_id}, set=values, if_=_OPEN))
        except ConditionFailed as error:
            return dict((error.failed[0] or {})["answer"])
        return None

    def ask_anew(self, wait_id: str, *, token: str, deadline: str, now: datetime) -> None:
        """Note who waits whatever was answered before: for a question whose truth lies elsewhere."""
        values = {"state": ASKED, "token": token, "deadline": deadline, "asked_at": times.text(now)}
        self._store.write(Update(TABLE, {"wait_id": wait_id}, set=values, remove=("answer", "answered_at")))

    def answer(self, wait_id: str, answer: Item, *, now: datetime) -> Answered:
        """Store the answer unless there is one, or the wait is closed: the first one stands."""
        return self._settle(wait_id, ANSWERED, answer, now)

    def close(self, wait_id: str, default: Item, *, now: datetime) -> Item:
        """End the wait at its deadline; returns what stands: an answer that was stored, else `default`."""
        return dict(self._settle(wait_id, CLOSED, default, now).row["answer"])

    def _settle(self, wait_id: str, state: str, answer: Item, now: datetime) -> Answered:
        values = {"state": state, "answer": answer, "answered_at": times.text(now)}
        try:
            row = self._store.write(Update(TABLE, {"wait_id": wait_id}, set=values, if_=_OPEN))
        except ConditionFailed as error:
            found = error.failed[0] or {}
            return Answered(False, found.get("token"), found)
        assert row is not None  # an Update answers with the item
        return Answered(True, row.get("token"), row)
