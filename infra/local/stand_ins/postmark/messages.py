"""Mails as Postmark takes, finds and shows them."""

import re
from datetime import UTC, datetime
from typing import Any

_ADDRESS = re.compile(r"(?:[^<>]*<)?([a-z0-9.!#$%&'`*+\-/=^_{}|~]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+)>?", re.I)
_FIELDS = {
    "fromemail": "From",
    "tag": "Tag",
    "subject": "Subject",
    "messagestream": "MessageStream",
}


class Fault(Exception):
    """A mail that Postmark does not take: its error code and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.body = {"ErrorCode": code, "Message": message}


def address(text: str, field: str) -> str:
    """The bare address of `Name <address>`, in lower case. Raises Fault 300."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise Fault(300, f"Invalid '{field}' address: '{text.strip()}'.")
    return found[1].lower()


def matches(message: dict[str, Any], query: dict[str, str]) -> bool:
    """Whether the mail passes every filter of a search; filters the stand-in does not know are ignored."""
    for name, value in query.items():
        if name.startswith("metadata_"):
            if message["Metadata"].get(name.removeprefix("metadata_")) != value:
                return False
        elif name == "recipient":
            if value.lower() not in message["Recipients"]:
                return False
        elif name in _FIELDS and message[_FIELDS[name]] != value:
            return False
    return True


def summary(message: dict[str, Any]) -> dict[str, Any]:
    """What search shows of a mail: no bodies."""
    hidden = ("id", "created", "indexed_at", "HtmlBody", "TextBody", "Template")
    return {k: v for k, v in message.items() if k not in hidden} | {"Attachments": [], "Sandboxed": False}


def moment(epoch: float) -> str:
    """Epoch seconds as Postmark writes a time."""
    return datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
