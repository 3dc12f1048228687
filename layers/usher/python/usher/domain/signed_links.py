"""Signed links: a token in a mail that says what it is for and that we made it; nothing secret is stored."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

_MARK = 16  # bytes of HMAC-SHA-256 kept: 128 bits, out of reach of guessing


def sign(subject: str, secret: str) -> str:
    """The token for `subject` (for example a wait's id), in characters that a URL takes as they are."""
    body = _text(subject.encode())
    return f"{body}.{_text(_mac(body, secret))}"


def subject_of(token: str, secrets: Iterable[str]) -> str | None:
    """What the token is for, None when none of these secrets made it."""
    body, _, given = token.partition(".")
    try:
        mac, subject = _bytes(given), _bytes(body).decode()
    except (ValueError, binascii.Error):
        return None
    if any(hmac.compare_digest(mac, _mac(body, secret)) for secret in secrets):
        return subject
    return None


def _mac(body: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()[:_MARK]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("a token is plain ASCII")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
