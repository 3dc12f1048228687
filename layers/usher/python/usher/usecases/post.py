"""The outbox of mails: a row per mail, written before it goes out, so that each goes out once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from usher.domain import times
from usher.domain.errors import NotYet, RetryableError, UsherError, VendorUnavailable
from usher.ports.clock import Clock
from usher.ports.mail import Mail, Mailer
from usher.ports.store import Item
from usher.records.mails import Mails, being_sent, claiming, having_failed

Sent = dict[str, str | UsherError]  # by mail id: the vendor's message id, or why there is none yet


@dataclass(frozen=True, slots=True)
class Post:
    """Sends mails by their own ids. `index_lag` is how far the vendor's search may trail its sending."""

    mailer: Mailer
    mails: Mails
    clock: Clock
    index_lag: timedelta

    def send_once(self, mails: Mapping[str, Mail]) -> Sent:
        """Send what was certainly not sent yet, in one call; `mails` are by account id and of distinct ids.

        Where an earlier try may have gone through it is looked for first: NotYet while the vendor's search
        may still lag behind that try.
        """
        rows = {mail.mail_id: mail for mail in mails.values()}
        claims = [
            claiming(mail.mail_id, template=mail.template, account_id=account_id, now=self.clock.now())
            for account_id, mail in mails.items()
        ]
        sent: Sent = {}
        going: dict[str, Item | None] = {}  # mails to send now, each with its former row
        for mail_id, former in zip(rows, self.mails.claim_all(claims), strict=True):
            if isinstance(former, UsherError):
                sent[mail_id] = former
            elif former is None:
                going[mail_id] = None
            else:
                self._sort(former, sent, going)
        answers = self.mailer.send_many([rows[mail_id] for mail_id in going]) if going else []
        return sent | self._noted(going, dict(zip(going, answers, strict=True)))

    def _sort(self, former: Item, sent: Sent, going: dict[str, Item | None]) -> None:
        """Whether a mail that was tried before is sent, is to be sent again, or is to be waited for."""
        mail_id = str(former["mail_id"])
        try:
            message_id = self._look(former)
            if message_id is None:
                self.mails.trying(former, now=self.clock.now())
                going[mail_id] = former
            else:
                sent[mail_id] = message_id
        except UsherError as error:
            sent[mail_id] = error

    def _look(self, former: Item) -> str | None:
        """The message id of an earlier try, None when it may be sent (again). Raises NotYet."""
        if former["state"] == "sent":
            return str(former["message_id"])
        if former["state"] == "unsent":
            return None
        mail_id = str(former["mail_id"])
        message_id = self.mailer.find(mail_id)
        if message_id is not None:
            self.mails.sent(mail_id, message_id=message_id, now=self.clock.now())
        elif self.clock.now() - times.moment(str(former["tried_at"])) < self.index_lag:
            raise NotYet(
                "an earlier try may have sent this mail; its index is given time before sending again"
            )
        return message_id

    def _noted(self, going: Mapping[str, Item | None], answers: Sent) -> Sent:
        """The answers once they are on record; one that could not be noted is an error, to be looked for."""
        now = self.clock.now()
        notes = {}
        for mail_id, answer in answers.items():
            if isinstance(answer, str):
                notes[mail_id] = being_sent(mail_id, message_id=answer, now=now)
            else:
                # Once a try may have gone through, a later one that certainly did not changes nothing of it.
                former = going[mail_id]
                unknown = isinstance(answer, VendorUnavailable) and answer.outcome_unknown
                unknown = unknown or (former is not None and former["state"] != "unsent")
                notes[mail_id] = having_failed(mail_id, outcome_unknown=unknown, now=now)
        errors = zip(notes, self.mails.note_all(list(notes.values())), strict=True)
        return answers | {mail_id: error for mail_id, error in errors if isinstance(error, RetryableError)}
