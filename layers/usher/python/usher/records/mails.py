"""Mails: a row per mail, written before it is sent, so that one whose answer was lost is looked for."""

from collections.abc import Sequence
from datetime import datetime

from usher.domain import times
from usher.domain.errors import StoreUnavailable
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Put, Store, Update
from usher.records.transactions import transact_all

TABLE = "mails"


class Mails:
    """Rows of mails to send and sent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, mail_id: str, *, template: str, account_id: str, now: datetime) -> Item | None:
        """Note that this mail is about to be sent; returns the former row when it was noted before."""
        try:
            self._store.write(claiming(mail_id, template=template, account_id=account_id, now=now))
        except ConditionFailed as error:
            return error.failed[0]
        return None

    def claim_all(self, claims: Sequence[Put]) -> list[Item | StoreUnavailable | None]:
        """`claim` for many (see `claiming`): per mail the former row, None when it is new, or the outage."""
        outcomes = transact_all(self._store, [[claim] for claim in claims])
        return [o.failed.get(0) if isinstance(o, ConditionFailed) else o for o in outcomes]

    def trying(self, former: Item, *, now: datetime) -> None:
        """Note, before each sending after the first, that this mail may be on its way from now on.

        Raises ConditionFailed when another try moved the row on since `former` was read.
        """
        unchanged = Both((Equals("state", former["state"]), Equals("tried_at", former["tried_at"])))
        values = {"state": "sending", "tried_at": times.text(now)}
        self._store.write(Update(TABLE, {"mail_id": former["mail_id"]}, set=values, if_=unchanged))

    def sent(self, mail_id: str, *, message_id: str, now: datetime) -> None:
        """Note the vendor's id of the sent mail."""
        self._store.write(being_sent(mail_id, message_id=message_id, now=now))

    def note_attempt(self, mail_id: str, *, outcome_unknown: bool, now: datetime) -> None:
        """Note that an attempt failed, and whether it may have gone through all the same."""
        self._store.write(having_failed(mail_id, outcome_unknown=outcome_unknown, now=now))

    def note_all(self, notes: Sequence[Update]) -> list[ConditionFailed | StoreUnavailable | None]:
        """`sent` and `note_attempt` for many (see `being_sent`, `having_failed`): per note its error."""
        return transact_all(self._store, [[note] for note in notes])


def claiming(mail_id: str, *, template: str, account_id: str, now: datetime) -> Put:
    """The write that notes that a mail is about to be sent; it fails when the mail was noted before."""
    item: Item = {
        "mail_id": mail_id,
        "state": "sending",
        "template": template,
        "account_id": account_id,
        "tried_at": times.text(now),
    }
    return Put(TABLE, item, if_=Absent("mail_id"))


def being_sent(mail_id: str, *, message_id: str, now: datetime) -> Update:
    """The write that notes the vendor's id of a sent mail."""
    values = {"state": "sent", "message_id": message_id, "sent_at": times.text(now)}
    return Update(TABLE, {"mail_id": mail_id}, set=values)


def having_failed(mail_id: str, *, outcome_unknown: bool, now: datetime) -> Update:
    """The write that notes that an attempt failed, and whether it may have gone through all the same."""
    state = "unknown" if outcome_unknown else "unsent"
    return Update(TABLE, {"mail_id": mail_id}, set={"state": state, "tried_at": times.text(now)})
