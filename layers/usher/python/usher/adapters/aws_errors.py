"""AWS's errors in Usher's words, for the services whose calls are simple: it may pass, or it is a bug."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from usher.domain.errors import StoreUnavailable

_OUTAGES = {
    "ExecutionLimitExceeded",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "KmsThrottled",
    "KmsThrottlingException",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}


def code(error: ClientError) -> str:
    """AWS's machine-readable word for the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_outage(error: ClientError) -> bool:
    """Whether the same call may succeed later: throttled, or the service's own fault."""
    metadata: Any = error.response.get("ResponseMetadata", {})
    return code(error) in _OUTAGES or metadata.get("HTTPStatusCode", 0) >= 500


@contextmanager
def outages(service: str) -> Iterator[None]:
    """Raises StoreUnavailable for an outage inside the block; any other error stays what it is."""
    try:
        yield
    except (HTTPClientError, ConnectionError) as error:
        raise StoreUnavailable(f"{service} cannot be reached: {error}") from error
    except ClientError as error:
        if is_outage(error):
            raise StoreUnavailable(f"{service}: {error}") from error
        raise
