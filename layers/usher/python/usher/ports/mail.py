"""Mail: sends one templated mail, and finds out whether a mail went when the answer was lost."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from usher.domain.errors import UsherError


class Mail(BaseModel):
    """One mail. `mail_id` is ours and deterministic; it travels in the mail's metadata."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    mail_id: str
    to: str
    template: str
    stream: str
    tag: str
    model: Mapping[str, Any]
    correlation_id: str


class Mailer(Protocol):
    """Raises VendorUnavailable (with outcome_unknown after a timeout) or VendorRejected."""

    def send(self, mail: Mail) -> str:
        """Send the mail; returns the vendor's message id."""

    def send_many(self, mails: Sequence[Mail]) -> list[str | UsherError]:
        """`send` for many, in as few calls as the vendor takes them in.

        Per mail, in their order, the message id or the error; raises none of its own. An unknown outcome of
        a call is that of each of its mails.
        """

    def find(self, mail_id: str) -> str | None:
        """The message id of a mail sent under our id, None when the vendor knows none (its index may lag)."""
