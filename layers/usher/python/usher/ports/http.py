"""HTTP as handlers see it: a request with its raw bytes, and an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have lower-case names; `body` is as sent, byte for byte.

    `role` and `subject` are the caller's, "" on routes that ask nobody who they are.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    parameters: Mapping[str, str]
    request_id: str
    role: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` becomes JSON; text is sent as it is under the content type given."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
