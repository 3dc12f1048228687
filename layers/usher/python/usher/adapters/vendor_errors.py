"""One place that says what a vendor's answer, or silence, means for the caller.

Messages hold the vendor, the operation, the status and the vendor's own code, and never the vendor's text:
it may quote an e-mail address, a name or a key.
"""

import re
from collections.abc import Callable

from usher.domain.errors import RateLimited, UsherError, VendorRejected, VendorUnavailable

ApiKey = str | Callable[[], str]

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
# What these say about the work, when the call was a write: a 503, like a 409 or 429, was not taken up.
_MAY_HAVE_WORKED = frozenset({408, 500, 502, 504})
_RETRYABLE_4XX = frozenset({408, 409, 425})


def reader(key: ApiKey) -> Callable[[], str]:
    """A function that answers the key now: a callable is asked at each call, so that a rotation arrives."""
    return key if callable(key) else lambda: key


def from_status(
    vendor: str,
    operation: str,
    status: int,
    *,
    code: object = None,
    retry_after: str | None = None,
    writes: bool = True,
) -> UsherError:
    """The error for an HTTP status of 400 or more: RateLimited, VendorUnavailable or VendorRejected.

    Args:
        code: the vendor's machine-readable word; anything that is more than a word is left out.
        retry_after: the header of that name; only its form in seconds is read.
        writes: false for a pure read, whose outcome is never unknown.
    """
    word = safe_code(code)
    said = f"{vendor} answered {status}{f' ({word})' if word else ''} to {operation}"
    if status == 429:
        return RateLimited(f"{said}; try again later", retry_after=seconds(retry_after))
    if status >= 500 or status in _RETRYABLE_4XX:
        return VendorUnavailable(
            f"{said}; try again later",
            outcome_unknown=writes and (status in _MAY_HAVE_WORKED or status > 504),
            retry_after=seconds(retry_after),
        )
    return VendorRejected(f"{said}; {_advice(status)}", code=word, status=status)


def silent(vendor: str, operation: str, *, sent: bool, writes: bool = True) -> VendorUnavailable:
    """The error for a timeout or a lost connection.

    Args:
        sent: whether the request may have reached the vendor; false when no connection came about.
    """
    what = "gave no answer to" if sent else "could not be reached for"
    return VendorUnavailable(f"{vendor} {what} {operation}; try again later", outcome_unknown=sent and writes)


def malformed(vendor: str, operation: str, *, writes: bool = True) -> VendorUnavailable:
    """The error for a success whose body cannot be read: the work is probably done."""
    return VendorUnavailable(
        f"{vendor} answered {operation} with a body that cannot be read; try again later",
        outcome_unknown=writes,
    )


def safe_code(code: object) -> str | None:
    """`code` when it is a single plain word or a number, else None."""
    text = "" if code is None else str(code)
    return text if _CODE.fullmatch(text) else None


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds, None when it is absent or a date."""
    text = (retry_after or "").strip()
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d+)?", text) else None


def _advice(status: int) -> str:
    if status in (401, 403):
        return "check the API key and its scopes"
    if status == 404:
        return "check the API base and that the set-up has run"
    return "the request must change before it is sent again"
