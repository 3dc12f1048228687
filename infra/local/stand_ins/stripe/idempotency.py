"""Idempotency keys: the first result of a key is kept with its effect and replayed."""

import hashlib
import json

from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.state import State
from infra.local.stand_ins.stripe.errors import StripeError

SCHEMA = """
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    kept_at REAL NOT NULL);
"""
MAX_KEY = 255
KEPT_SECONDS = 24 * 3600  # Stripe prunes keys after at least 24 hours


class IdempotencyKeys:
    """Kept results by key, for POST requests; `keep` belongs in the transaction of the effect."""

    def __init__(self, state: State) -> None:
        self._connection = state.connection
        self._connection.executescript(SCHEMA)
        self._in_use: dict[str, float] = {}

    def replay(self, key: str, request: Request, wall: float) -> Answer | None:
        """The kept answer of this key, or None when it is new.

        Raises:
            StripeError: 409 while the first call is still being answered; 400 when the key came with other
                parameters or is too long.
        """
        if len(key) > MAX_KEY:
            raise StripeError(
                400, "Idempotency keys can be at most 255 characters long.", type="idempotency_error"
            )
        if self._in_use.get(key, 0) > wall:
            message = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise StripeError(409, message, type="idempotency_error", code="idempotency_key_in_use")
        sql = "SELECT fingerprint, status, body, kept_at FROM idempotency WHERE key = ?"
        row = self._connection.execute(sql, (key,)).fetchone()
        if row is None or row[3] < wall - KEPT_SECONDS:
            return None
        if row[0] != _fingerprint(request):
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used "
            )
            message += (
                f"with. Try using a key other than '{key}' if you meant to execute a different request."
            )
            raise StripeError(400, message, type="idempotency_error")
        headers = {"content-type": "application/json", "idempotent-replayed": "true"}
        return Answer(row[1], bytes(row[2]), headers)

    def keep(self, key: str, request: Request, answer: Answer, wall: float) -> None:
        """Keep the first result of a key, whatever it was."""
        row = (key, _fingerprint(request), answer.status, answer.body, wall)
        self._connection.execute("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)", row)

    def hold(self, key: str, until: float) -> None:
        """The key's first call is answered late, at `until` (wall time): until then it is in use."""
        self._in_use = {name: end for name, end in self._in_use.items() if end > until - 3600}
        self._in_use[key] = until


def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.path} {json.dumps(request.params, sort_keys=True)}"
    return hashlib.sha256(text.encode()).hexdigest()
