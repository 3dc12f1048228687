"""HubSpot's API by its client library: one pool per API, no retries, errors in Usher's words."""

import json
from collections.abc import Callable
from typing import Any

import urllib3
from hubspot import HubSpot
from hubspot.crm.associations.v4.exceptions import ApiException as AssociationsException
from hubspot.crm.objects.exceptions import ApiException as ObjectsException

from usher.adapters.vendor_errors import ApiKey, from_status, malformed, reader, silent
from usher.domain.errors import UsherError
from usher.ports.admission import UNLIMITED, Admission

_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
# The generated client has one class of each name per API, and two of its own faults: it decodes the body of
# an error that has none (a failed TLS handshake), and one that is not UTF-8.
_CLIENT_FAULTS = (AttributeError, UnicodeDecodeError)


def client(*, api_base: str, connections: int) -> HubSpot:
    """A client that retries nothing and keeps up to `connections` connections alive per API.

    It has no token yet: `HubSpotCalls` sets it at each call.
    """
    return HubSpot(
        host=api_base.rstrip("/"),
        retry=urllib3.Retry(total=False),
        connection_pool_maxsize=connections,
    )


class HubSpotCalls:
    """Calls methods of the client's API objects.

    Bodies go in as plain JSON and answers come out as plain JSON: building and reading the client's
    models doubles the CPU time of a call with one record and takes twelve times as much with a hundred,
    since each instance makes a configuration of its own.
    """

    def __init__(
        self,
        *,
        api_key: ApiKey,
        timeout: float,
        errors: tuple[type[Exception], ...] = (ObjectsException, AssociationsException),
        admission: Admission = UNLIMITED,
    ) -> None:
        self._admission = admission
        self._key, self._timeout, self._errors = reader(api_key), timeout, errors

    def call(
        self, operation: str, method: Callable[..., Any], *arguments: Any, writes: bool = True
    ) -> dict[str, Any]:
        """The answer's JSON object, also of a 207. Raises VendorUnavailable or VendorRejected."""
        with self._admission.call("hubspot"):
            return self._call(operation, method, arguments, writes)

    def _call(
        self, operation: str, method: Callable[..., Any], arguments: tuple[Any, ...], writes: bool
    ) -> dict[str, Any]:
        method.__self__.api_client.configuration.access_token = self._key()  # type: ignore[attr-defined]  # the SDK's own
        try:
            answer = method(*arguments, _preload_content=False, _request_timeout=self._timeout)
            body = json.loads(answer.data)
        except self._errors as error:
            raise _refused(operation, error, writes) from error
        except _CLIENT_FAULTS as error:
            if not isinstance(error.__context__, self._errors):
                raise
            raise _refused(operation, error.__context__, writes) from error
        except urllib3.exceptions.HTTPError as error:
            raise silent(
                "hubspot", operation, sent=not isinstance(error, _NEVER_SENT), writes=writes
            ) from error
        except ValueError as error:
            raise malformed("hubspot", operation, writes=writes) from error
        if not isinstance(body, dict):
            raise malformed("hubspot", operation, writes=writes)
        return body


def close(*apis: Any) -> None:
    """Drop the connections that the client's API objects keep."""
    for api in apis:
        api.api_client.rest_client.pool_manager.clear()


def _refused(operation: str, error: Any, writes: bool) -> UsherError:
    """The error for an ApiException, which is emptied of what the vendor wrote: it is about to be a cause."""
    body, headers = error.body, error.headers or {}
    error.body = error.headers = None
    if not error.status:  # no TLS: nothing was sent
        return silent("hubspot", operation, sent=False, writes=writes)
    retry_after = headers.get("Retry-After")
    return from_status(
        "hubspot", operation, error.status, code=_category(body), retry_after=retry_after, writes=writes
    )


def _category(body: str | bytes | None) -> object:
    try:
        return json.loads(body or b"")["category"]
    except (ValueError, TypeError, KeyError):
        return None
