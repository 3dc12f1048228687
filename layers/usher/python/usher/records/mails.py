"""Mails: a row per mail, written before it is sent, so that one whose answer was lost is looked for."""

from datetime import datetime

from usher.domain import times
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Put, Store, Update

TABLE = "mails"


class Mails:
    """Rows of mails to send and sent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, mail_id: str, *, template: str, account_id: str, now: datetime) -> Item | None:
        """Note that this mail is about to be sent; returns the former row when it was noted before."""
        item: Item = {
            "mail_id": mail_id,
            "state": "sending",
            "template": template,
            "account_id": account_id,
            "tried_at": times.text(now),
        }
        try:
            self._store.write(Put(TABLE, item, if_=Absent("mail_id")))
        except ConditionFailed as error:
            return error.failed[0]
        return None

    def trying(self, former: Item, *, now: datetime) -> None:
        """Note, before each sending after the first, that this mail may be on its way from now on.

        Raises ConditionFailed when another try moved the row on since `former` was read.
        """
        unchanged = Both((Equals("state", former["state"]), Equals("tried_at", former["tried_at"])))
        values = {"state": "sending", "tried_at": times.text(now)}
        self._store.write(Update(TABLE, {"mail_id": former["mail_id"]}, set=values, if_=unchanged))

    def sent(self, mail_id: str, *, message_id: str, now: datetime) -> None:
        """Note the vendor's id of the sent mail."""
        values = {"state": "sent", "message_id": message_id, "sent_at": times.text(now)}
        self._store.write(Update(TABLE, {"mail_id": mail_id}, set=values))

    def note_attempt(self, mail_id: str, *, outcome_unknown: bool, now: datetime) -> None:
        """Note that an attempt failed, and whether it may have gone through all the same."""
        state = "unknown" if outcome_unknown else "unsent"
        self._store.write(
            Update(TABLE, {"mail_id": mail_id}, set={"state": state, "tried_at": times.text(now)})
        )
