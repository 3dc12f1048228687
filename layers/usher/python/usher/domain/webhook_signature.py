"""Standard Webhooks: the check of a signed request on its raw bytes.

Source: the Standard Webhooks specification, "Signature scheme": `webhook-signature` holds space-separated
`v1,<base64 HMAC-SHA256 of "id.timestamp.body">`, several while a secret is rotated, other versions ignored;
`webhook-timestamp` is in Unix seconds; a secret is `whsec_` and its key in base64.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"


def is_genuine(
    body: bytes, *, webhook_id: str, timestamp: str, signature: str, secrets: Sequence[str], wall: datetime
) -> bool:
    """Whether one of the active secrets signed these bytes within five minutes of `wall` (past or future).

    Raises ValueError when a secret of ours is not base64: a mistake of the deployment, not of the sender.
    """
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(wall.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    candidates = [part.encode(errors="replace") for part in signature.split(" ") if part.startswith("v1,")]
    return any(
        hmac.compare_digest(_signature(secret, signed), candidate)
        for secret in secrets
        for candidate in candidates
    )


def _signature(secret: str, signed: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(_PREFIX) + "==")  # padding that is too much is ignored
    return b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
