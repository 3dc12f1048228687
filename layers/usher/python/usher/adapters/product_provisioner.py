"""Provisioner over the product's own JSON API, documented in docs/product-api.md."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from usher.adapters.vendor_errors import ApiKey, from_status, malformed, reader, silent
from usher.domain.errors import VendorRejected, VendorUnavailable

_FOR_A_PERSON = frozenset({"team_taken", "team_linked", "account_has_team"})  # a 409 that stays one
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_LABEL = 63  # characters in a DNS label


class _SubdomainTaken(Exception):
    """409 `subdomain_taken`: another tenant has the name."""


class ProductProvisioner:
    """Fulfils ports/provisioner.py.

    Args:
        api_base: where the product's API is, without `/v1`.
        api_key: the bearer token.
        timeout: seconds per call.
        connections: kept alive at most; callers above that wait for one.
    """

    def __init__(
        self, *, api_base: str, api_key: ApiKey, timeout: float = 10.0, connections: int = 32
    ) -> None:
        # The pool of the one host itself: a manager would look its host up anew for every call.
        place = urllib3.util.parse_url(api_base)
        self._path = f"{(place.path or '').rstrip('/')}/v1"
        self._key = reader(api_key)
        self._pool = urllib3.connection_from_url(
            place.url,
            maxsize=connections,
            block=True,
            retries=urllib3.Retry(total=False),
            timeout=urllib3.Timeout(total=timeout),
        )

    def close(self) -> None:
        """Drop the kept connections."""
        self._pool.close()

    def put_identity(
        self, *, account_id: str, email: str, name: str, sso_subject: str | None, correlation_id: str
    ) -> str:
        """See ports/provisioner.py."""
        body = {"email": email, "name": name, "sso_subject": sso_subject}
        return self._put("put_identity", ("identities", account_id), body, correlation_id, answers="id")

    def put_tenant(self, *, account_id: str, company: str, plan: str, correlation_id: str) -> str:
        """See ports/provisioner.py."""
        body = {"company": company, "plan": plan}
        return self._put("put_tenant", ("tenants", account_id), body, correlation_id, answers="id")

    def put_subdomain(self, *, tenant_id: str, wanted: str, correlation_id: str) -> str:
        """See ports/provisioner.py. A tenant that has a subdomain keeps it, whatever is wanted now."""
        for name in _candidates(wanted, tenant_id):
            try:
                path = ("tenants", tenant_id, "subdomain")
                return self._put("put_subdomain", path, {"wanted": name}, correlation_id, answers="subdomain")
            except _SubdomainTaken:
                continue
        raise VendorUnavailable("product has no free subdomain of this name; try again later")

    def put_flags(self, *, tenant_id: str, flags: Mapping[str, bool], correlation_id: str) -> None:
        """See ports/provisioner.py."""
        path = ("tenants", tenant_id, "flags")
        self._put("put_flags", path, {"flags": dict(flags)}, correlation_id, answers="tenant_id")

    def put_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> str:
        """See ports/provisioner.py."""
        path = ("tenants", tenant_id, "api-keys", key_name)
        return self._put("put_api_key", path, {}, correlation_id, answers="id")

    def put_credits(self, *, tenant_id: str, grant: str, amount: int, correlation_id: str) -> None:
        """See ports/provisioner.py. Another amount under a used grant name is VendorRejected."""
        path = ("tenants", tenant_id, "credits", grant)
        self._put("put_credits", path, {"amount": amount}, correlation_id, answers="grant")

    def delete_identity(self, *, account_id: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_identity", ("identities", account_id), correlation_id)

    def delete_tenant(self, *, account_id: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_tenant", ("tenants", account_id), correlation_id)

    def delete_subdomain(self, *, tenant_id: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_subdomain", ("tenants", tenant_id, "subdomain"), correlation_id)

    def delete_flags(self, *, tenant_id: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_flags", ("tenants", tenant_id, "flags"), correlation_id)

    def delete_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_api_key", ("tenants", tenant_id, "api-keys", key_name), correlation_id)

    def delete_credits(self, *, tenant_id: str, grant: str, correlation_id: str) -> None:
        """See ports/provisioner.py."""
        self._delete("delete_credits", ("tenants", tenant_id, "credits", grant), correlation_id)

    def _delete(self, operation: str, path: tuple[str, ...], correlation_id: str) -> None:
        self._call("DELETE", operation, path, None, correlation_id)

    def _put(
        self,
        operation: str,
        path: tuple[str, ...],
        body: dict[str, Any],
        correlation_id: str,
        *,
        answers: str,
    ) -> str:
        """PUT `body`; returns the text field `answers` of the answer."""
        data = self._call("PUT", operation, path, body, correlation_id)
        try:
            value = json.loads(data)[answers]
        except (ValueError, TypeError, KeyError) as error:
            raise malformed("product", operation) from error
        if not isinstance(value, str):
            raise malformed("product", operation)
        return value

    def _call(
        self,
        method: str,
        operation: str,
        path: tuple[str, ...],
        body: dict[str, Any] | None,
        correlation_id: str,
        *,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer's body. Raises VendorUnavailable or VendorRejected, _SubdomainTaken."""
        url = "/".join([self._path, *(quote(part, safe="") for part in path)])
        if query:
            url += f"?{urlencode(query)}"
        headers = {
            "Authorization": f"Bearer {self._key()}",
            "Content-Type": "application/json",
            "X-Correlation-Id": correlation_id,
        }
        try:
            answer = self._pool.urlopen(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers=headers,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise silent("product", operation, sent=not isinstance(error, _NEVER_SENT)) from error
        if answer.status >= 300:
            code = _error_code(answer.data)
            if answer.status == 409 and code == "subdomain_taken":
                raise _SubdomainTaken
            if answer.status == 409 and code in _FOR_A_PERSON:
                raise VendorRejected(f"product refuses {operation} ({code})", code=str(code), status=409)
            retry_after = answer.headers.get("Retry-After")
            raise from_status("product", operation, answer.status, code=code, retry_after=retry_after)
        return answer.data


def _candidates(wanted: str, tenant_id: str) -> list[str]:
    """The wanted name, then two that only this tenant would ask for."""
    mark = hashlib.sha256(tenant_id.encode()).hexdigest()
    return [wanted, *(f"{wanted[: _LABEL - 1 - size].rstrip('-')}-{mark[:size]}" for size in (4, 8))]


def _error_code(body: bytes) -> object:
    try:
        return json.loads(body)["error"]["code"]
    except (ValueError, TypeError, KeyError):
        return None
