"""Stripe-Signature: the check of a Stripe webhook on its raw bytes, without Stripe's SDK.

Source: Stripe, "Verify webhook signatures manually": `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`,
several v1 while a secret is rotated, other schemes ignored.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300


def is_genuine(body: bytes, header: str, *, secrets: Sequence[str], wall: datetime) -> bool:
    """Whether one of the active secrets signed these bytes within five minutes of `wall` (past or future)."""
    timestamp, candidates = None, []
    for part in header.split(","):
        scheme, _, value = part.strip().partition("=")
        if scheme == "t":
            timestamp = value
        elif scheme == "v1":
            candidates.append(value.encode(errors="replace"))
    if timestamp is None or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(wall.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = timestamp.encode() + b"." + body
    return any(
        hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode(), candidate)
        for secret in secrets
        for candidate in candidates
    )
