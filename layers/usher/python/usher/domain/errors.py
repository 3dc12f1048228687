"""Every error this system raises on purpose, and who may try again.

* UsherError
  x RetryableError        - the same call may succeed later; the caller backs off
    + VendorUnavailable   - a vendor timed out, refused the connection, answered 429 or 5xx
      - KeySpent          - the vendor answers this idempotency key with a failure it has stored
      - RateLimited       - the vendor answered 429: it took nothing up
    + StaleWrite          - someone else changed the row first; read again, then decide again
    + StoreUnavailable    - the store, a queue or the bus could not take the call
    + NotYet              - something this call builds on is still on its way
  x PermanentError        - the same call can never succeed; a person or another branch must act
    + InvalidCommand      - the input broke its schema
    + VendorRejected      - a vendor answered 4xx other than 409 or 429
    + NotFound            - the record named does not exist
    + Conflict            - the request contradicts what is already stored

A declined card is none of these: it is an expected outcome, so a use case returns it as a value and
the state machine branches on it with a Choice.

Only the two names RetryableError and PermanentError leave a function: Step Functions matches
`ErrorEquals` on the exact class name and knows nothing of base classes (docs/adr/0004).
"""


class UsherError(Exception):
    """Base of all errors raised on purpose. Never raised itself."""


class RetryableError(UsherError):
    """The same call may succeed later."""


class VendorUnavailable(RetryableError):
    """A vendor timed out, refused the connection, answered 429 or answered 5xx.

    `outcome_unknown` is true when the vendor may have done the work all the same (a timeout, a lost
    answer): the next try must use the same key or look first.
    `retry_after` is in seconds, when the vendor named one.
    """

    def __init__(
        self, message: str, *, outcome_unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class KeySpent(VendorUnavailable):
    """The vendor replays a failure it stored under this idempotency key: the key can never succeed.

    What is needed is a look-up, and a new key when nothing is found (Stripe keeps 5xx results for 24 hours).
    """


class RateLimited(VendorUnavailable):
    """A vendor answered 429: we, or somebody who shares our account, call it too often."""


class StaleWrite(RetryableError):
    """A conditional write lost a race."""


class StoreUnavailable(RetryableError):
    """The store, a queue or the bus could not take the call; nothing is known to be stored."""


class NotYet(RetryableError):
    """Something this call builds on is still on its way."""


class PermanentError(UsherError):
    """The same call can never succeed."""


class InvalidCommand(PermanentError):
    """The input broke its schema."""


class VendorRejected(PermanentError):
    """A vendor answered 4xx other than 409 or 429. `code` is the vendor's own machine-readable word."""

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NotFound(PermanentError):
    """The record named does not exist."""


class Conflict(PermanentError):
    """The request contradicts what is already stored."""
