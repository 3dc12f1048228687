"""Mailer over Postmark's templates. The client library is unmaintained, so little of it is used.

https://postmarkapp.com/developer/api/templates-api#email-with-template (read 2026-11)
"""

from collections.abc import Sequence
from typing import Any

import requests
from postmarker.core import PostmarkClient
from postmarker.exceptions import ClientError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from usher.adapters.vendor_errors import ApiKey, from_status, malformed, reader, silent
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


class PostmarkCalls:
    """Postmark's API by postmarker's client: one session, and errors in Usher's words.

    Args:
        api_base: scheme, host and port; postmarker drops a path.
        api_key: the server token.
        timeout: seconds to connect, and again to wait for the answer.
        connections: kept alive at most.
        admission: when each call may be made.
    """

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        timeout: float,
        connections: int,
        admission: Admission = UNLIMITED,
    ) -> None:
        self._admission = admission
        self._key = reader(api_key)
        self._client = PostmarkClient(
            server_token="set at each call", timeout=timeout, max_retries=0, root_api_url=api_base
        )
        session = self._client.session
        session.trust_env = False  # else each call looks for proxies and a .netrc: a quarter of its CPU time
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=0))

    def close(self) -> None:
        """Drop the kept connections."""
        self._client.session.close()

    def call(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> dict[str, Any]:
        """The answer's JSON object. Raises VendorUnavailable or VendorRejected (`code` is the ErrorCode)."""
        answer = self.answer(operation, method, path, body, **query)
        if not isinstance(answer, dict):
            raise malformed("postmark", operation, writes=method != "GET")
        return answer

    def answer(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> Any:
        """The answer's JSON, whatever it is. Raises as `call`."""
        with self._admission.call("postmark"):
            return self._answer(operation, method, path, body, query)

    def _answer(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None, query: dict[str, Any]
    ) -> Any:
        self._client.server_token = self._key()
        writes = method != "GET"
        try:
            answer = self._client.call(method, path, data=body, **query)
        except ClientError as error:
            error.args = (f"Postmark error {error.error_code}",)  # its text may quote an address
            raise _refused(operation, error.__cause__, error.error_code, writes) from error
        except requests.HTTPError as error:  # an error whose body is not JSON
            raise _refused(operation, error, None, writes) from error
        except requests.ConnectionError as error:
            raise silent("postmark", operation, sent=_was_sent(error), writes=writes) from error
        except requests.Timeout as error:
            raise silent("postmark", operation, sent=True, writes=writes) from error
        except requests.RequestException as error:  # a 200 whose body is not JSON, or is cut off
            raise malformed("postmark", operation, writes=writes) from error
        except (KeyError, TypeError) as error:  # postmarker missed the documented fields of an error answer
            if not isinstance(error.__context__, requests.HTTPError):
                raise
            raise _refused(operation, error.__context__, None, writes) from error
        return answer


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


def _refused(operation: str, error: BaseException | None, code: object, writes: bool) -> UsherError:
    response = error.response if isinstance(error, requests.HTTPError) else None
    status = 500 if response is None else response.status_code
    retry_after = None if response is None else response.headers.get("Retry-After")
    return from_status("postmark", operation, status, code=code, retry_after=retry_after, writes=writes)


def _was_sent(error: requests.ConnectionError) -> bool:
    """False only when it is certain that no connection came about."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(error, requests.ConnectTimeout) and not isinstance(reason, NewConnectionError)
