"""Postmark's API by postmarker's client, which is unmaintained, so little of it is used."""

from typing import Any

import requests
from postmarker.core import PostmarkClient
from postmarker.exceptions import ClientError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from usher.adapters.vendor_errors import ApiKey, from_status, malformed, reader, silent
from usher.domain.errors import UsherError
from usher.ports.admission import UNLIMITED, Admission


class PostmarkCalls:
    """Postmark's API by postmarker's client: one session, and errors in Usher's words.

    Args:
        api_base: scheme, host and port; postmarker drops a path.
        api_key: the server token.
        timeout: seconds to connect, and again to wait for the answer.
        connections: kept alive at most.
        admission: when each call may be made.
    """

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        timeout: float,
        connections: int,
        admission: Admission = UNLIMITED,
    ) -> None:
        self._admission = admission
        self._key = reader(api_key)
        self._client = PostmarkClient(
            server_token="set at each call", timeout=timeout, max_retries=0, root_api_url=api_base
        )
        session = self._client.session
        session.trust_env = False  # else each call looks for proxies and a .netrc: a quarter of its CPU time
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=0))

    def close(self) -> None:
        """Drop the kept connections."""
        self._client.session.close()

    def call(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> dict[str, Any]:
        """The answer's JSON object. Raises VendorUnavailable or VendorRejected (`code` is the ErrorCode)."""
        answer = self.answer(operation, method, path, body, **query)
        if not isinstance(answer, dict):
            raise malformed("postmark", operation, writes=method != "GET")
        return answer

    def answer(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> Any:
        """The answer's JSON, whatever it is. Raises as `call`."""
        with self._admission.call("postmark"):
            return self._answer(operation, method, path, body, query)

    def _answer(
        self, operation: str, method: str, path: str, body: dict[str, Any] | None, query: dict[str, Any]
    ) -> Any:
        self._client.server_token = self._key()
        writes = method != "GET"
        try:
            answer = self._client.call(method, path, data=body, **query)
        except ClientError as error:
            error.args = (f"Postmark error {error.error_code}",)  # its text may quote an address
            raise _refused(operation, error.__cause__, error.error_code, writes) from error
        except requests.HTTPError as error:  # an error whose body is not JSON
            raise _refused(operation, error, None, writes) from error
        except requests.ConnectionError as error:
            raise silent("postmark", operation, sent=_was_sent(error), writes=writes) from error
        except requests.Timeout as error:
            raise silent("postmark", operation, sent=True, writes=writes) from error
        except requests.RequestException as error:  # a 200 whose body is not JSON, or is cut off
            raise malformed("postmark", operation, writes=writes) from error
        except (KeyError, TypeError) as error:  # postmarker missed the documented fields of an error answer
            if not isinstance(error.__context__, requests.HTTPError):
                raise
            raise _refused(operation, error.__context__, None, writes) from error
        return answer


def _refused(operation: str, error: BaseException | None, code: object, writes: bool) -> UsherError:
    response = error.response if isinstance(error, requests.HTTPError) else None
    status = 500 if response is None else response.status_code
    retry_after = None if response is None else response.headers.get("Retry-After")
    return from_status("postmark", operation, status, code=code, retry_after=retry_after, writes=writes)


def _was_sent(error: requests.ConnectionError) -> bool:
    """False only when it is certain that no connection came about."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(error, requests.ConnectTimeout) and not isinstance(reason, NewConnectionError)
