"""Mailer over Postmark's templates, one mail at a time or up to five hundred in a call.

https://postmarkapp.com/developer/api/templates-api#email-with-template (read 2026-11)
"""

from collections.abc import Sequence
from typing import Any

from usher.adapters.postmark_calls import PostmarkCalls
from usher.adapters.vendor_errors import ApiKey, malformed
from usher.domain.errors import UsherError, VendorRejected, VendorUnavailable
from usher.ports.admission import UNLIMITED, Admission
from usher.ports.mail import Mail

MAIL_ID, CORRELATION_ID = (
    "mail_id",
    "correlation_id",
)  # keys of a mail's metadata; Postmark allows 20 characters
BATCH = 500  # mails Postmark takes per batch call
_NO_TEMPLATE = "1101"
_MAINTENANCE = 100


class PostmarkMail:
    """Fulfils ports/mail.py.

    Args:
        sender: the From address, confirmed at Postmark.
        others: see `PostmarkCalls`.
    """

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        sender: str,
        timeout: float = 10.0,
        connections: int = 32,
        admission: Admission = UNLIMITED,
    ) -> None:
        self._sender = sender
        self._calls = PostmarkCalls(
            api_base=api_base,
            api_key=api_key,
            timeout=timeout,
            connections=connections,
            admission=admission,
        )

    def close(self) -> None:
        """Drop the kept connections."""
        self._calls.close()

    def send(self, mail: Mail) -> str:
        """See ports/mail.py. Postmark has no idempotency key: sending twice mails twice."""
        answer = self._calls.call("send", "POST", "/email/withTemplate/", self._message(mail))
        outcome = _outcome("send", answer)
        if isinstance(outcome, UsherError):
            raise outcome
        return outcome

    def send_many(self, mails: Sequence[Mail]) -> list[str | UsherError]:
        """See ports/mail.py."""
        parts = [mails[start : start + BATCH] for start in range(0, len(mails), BATCH)]
        return [outcome for part in parts for outcome in self._send_part(part)]

    def _send_part(self, mails: Sequence[Mail]) -> list[str | UsherError]:
        body = {"Messages": [self._message(mail) for mail in mails]}
        try:
            answers = self._calls.answer("send batch", "POST", "/email/batchWithTemplates/", body)
        except VendorRejected as error:
            if len(mails) == 1 or error.status in (401, 403, 404):
                return [error] * len(mails)
            middle = len(mails) // 2  # nothing of it was sent; one mail may be at fault: find that one
            return [*self._send_part(mails[:middle]), *self._send_part(mails[middle:])]
        except VendorUnavailable as error:
            return [error] * len(mails)
        if not isinstance(answers, list) or len(answers) != len(mails):
            return [malformed("postmark", "send batch")] * len(mails)
        return [_outcome("send batch", answer) for answer in answers]

    def find(self, mail_id: str) -> str | None:
        """See ports/mail.py. Postmark keeps messages for 45 days and indexes them within seconds."""
        query: dict[str, Any] = {"count": 1, "offset": 0, f"metadata_{MAIL_ID}": mail_id}
        answer = self._calls.call("find", "GET", "/messages/outbound", **query)
        try:
            messages = answer["Messages"]
            return str(messages[0]["MessageID"]) if messages else None
        except (KeyError, TypeError, IndexError) as error:
            raise malformed("postmark", "find", writes=False) from error

    def _message(self, mail: Mail) -> dict[str, Any]:
        return {
            "From": self._sender,
            "To": mail.to,
            "TemplateAlias": mail.template,
            "TemplateModel": dict(mail.model),
            "MessageStream": mail.stream,
            "Tag": mail.tag,
            "Metadata": {MAIL_ID: mail.mail_id, CORRELATION_ID: mail.correlation_id},
        }


class PostmarkTemplates:
    """Puts mail templates on the server: set-up, not the path of a mail."""

    def __init__(self, *, api_base: str, api_key: ApiKey, timeout: float = 10.0) -> None:
        self._calls = PostmarkCalls(api_base=api_base, api_key=api_key, timeout=timeout, connections=1)

    def close(self) -> None:
        """Drop the kept connection."""
        self._calls.close()

    def push(self, alias: str, *, name: str, subject: str, html: str, text: str) -> bool:
        """Create or change the template so that it reads exactly this; returns whether it had to change.

        Raises VendorUnavailable or VendorRejected.
        """
        wanted = {"Name": name, "Alias": alias, "Subject": subject, "HtmlBody": html, "TextBody": text}
        try:
            present = self._calls.call("push_template", "GET", f"/templates/{alias}")
        except VendorRejected as error:
            if error.code != _NO_TEMPLATE:
                raise
            self._calls.call("push_template", "POST", "/templates", wanted)
            return True
        if all(present.get(field) == value for field, value in wanted.items()):
            return False
        self._calls.call("push_template", "PUT", f"/templates/{alias}", wanted)
        return True


def _outcome(operation: str, answer: Any) -> str | UsherError:
    """The message id, or the error, of one mail's answer."""
    if not isinstance(answer, dict) or not isinstance(code := answer.get("ErrorCode"), int):
        return malformed("postmark", operation)
    if code == _MAINTENANCE:
        return VendorUnavailable("postmark is under maintenance; try again later")
    if code:
        return VendorRejected("postmark did not take the mail", code=str(code), status=200)
    message_id = answer.get("MessageID")
    return message_id if isinstance(message_id, str) else malformed("postmark", operation)
