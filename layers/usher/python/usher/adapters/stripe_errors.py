"""Stripe's errors in Usher's words. Source: docs.stripe.com/api/errors (read 2026-11)."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from usher.adapters.vendor_errors import seconds
from usher.domain.errors import KeySpent, RateLimited, VendorRejected, VendorUnavailable


class Decline(Exception):
    """The bank or Stripe refused the payment method; it never leaves the adapters."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Fold what the SDK raises inside the block.

    Raises Decline for a refused card; RateLimited for a 429; VendorUnavailable for a lost connection, 409 and
    5xx, as KeySpent when the 5xx is replayed from an earlier call; VendorRejected for any other 4xx. Stripe's
    own message may quote input, so only its code is kept.
    """
    try:
        yield
    except stripe.CardError as error:
        code = _decline_code(error) or error.code or "card_declined"
        raise Decline(code, error.user_message or "the card was declined") from error
    except stripe.APIConnectionError as error:
        raise VendorUnavailable(
            f"stripe: {what} got no answer; its outcome is unknown", outcome_unknown=True
        ) from error
    except stripe.RateLimitError as error:
        retry_after = seconds((error.headers or {}).get("retry-after"))
        raise RateLimited(
            f"stripe: {what} was refused for its rate (429)", retry_after=retry_after
        ) from error
    except stripe.StripeError as error:
        status = error.http_status
        if status and status >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
            raise KeySpent(
                f"stripe: {what} failed before, and that is what this key is answered with"
            ) from error
        if (
            status is None or not 400 <= status < 500 or status in {409, 429}
        ):  # a 200 that cannot be read, too
            raise VendorUnavailable(
                f"stripe: {what} failed on their side ({status})", outcome_unknown=True
            ) from error
        code = error.code or type(error).__name__
        raise VendorRejected(
            f"stripe: {what} was refused ({status} {code})", code=code, status=status
        ) from error


def _decline_code(error: stripe.CardError) -> str | None:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    code = (body.get("error") or {}).get("decline_code")
    return str(code) if code else None
