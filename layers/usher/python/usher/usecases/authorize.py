"""Who a bearer token speaks for: a hash we keep of it, or a signed login of a person (F1)."""

import hashlib
import json

from usher.domain.access import Caller, highest
from usher.ports.clock import Clock
from usher.ports.logins import Logins
from usher.ports.secrets import Secrets

MAX_TOKEN = 8192  # characters; a login of many groups is below a quarter of it
_SHOWN = 8  # of a token's hash, to tell tokens apart in the audit log


def authorize(authorization: str, *, secrets: Secrets, logins: Logins | None, clock: Clock) -> Caller:
    """The caller behind `Bearer TOKEN`; one without a subject when it is nobody we know.

    The secret `access_tokens` is a JSON object from the token's SHA-256 in hex to its role; only its current
    value counts, so that a token taken out of it is refused (an overlap is two tokens in one value). A hash
    needs no constant-time comparison: whoever could time it still does not know what hashes to it.

    Raises VendorUnavailable when a login cannot be checked now.
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN or not token.isascii():
        return Caller("")
    digest = hashlib.sha256(token.encode()).hexdigest()
    role = json.loads(secrets.get("access_tokens")).get(digest)
    if role is not None:
        return Caller(f"token:{digest[:_SHOWN]}", str(role))
    login = logins.who(token, wall=clock.wall()) if logins else None
    return Caller("") if login is None else Caller(login.username, highest(login.groups))
