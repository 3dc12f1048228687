"""Who a bearer token speaks for: tokens are kept as SHA-256 hashes, each with its role."""

import hashlib
import json

from usher.ports.secrets import Secrets


def role_of(authorization: str, *, secrets: Secrets) -> str | None:
    """The role behind `Bearer TOKEN`, None for an unknown one.

    The secret `access_tokens` is a JSON object from the token's SHA-256 in hex to its role; only its current
    value counts, so that a token taken out of it is refused (an overlap is two tokens in one value). A hash
    needs no constant-time comparison: whoever could time it still does not know what hashes to it.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    digest = hashlib.sha256(token.strip().encode(errors="replace")).hexdigest()
    role = json.loads(secrets.get("access_tokens")).get(digest)
    return None if role is None else str(role)
