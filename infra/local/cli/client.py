"""A product backend's view of a running Usher: signed posts in, status out."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from infra.local.cli.refusal import Refused
from infra.local.data_dir import read_dev_env
from infra.local.signed_posts import sign


@dataclass(frozen=True, slots=True)
class Client:
    """Calls the Usher and the vendors that `env` (a dev.env) names."""

    env: Mapping[str, str]
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False, timeout=30.0)
    )

    @classmethod
    def of(cls, data: Path) -> "Client":
        """The client of the Usher in a data directory. Raises Refused when none ever ran there."""
        try:
            return cls(read_dev_env(data / "dev.env"))
        except OSError as error:
            raise Refused(
                f"no Usher has run in {data} yet: start one with `usher up --data {data}`"
            ) from error

    @property
    def url(self) -> str:
        return self.env["USHER_URL"]

    def post_signup(self, body: bytes, *, webhook_id: str | None = None) -> dict[str, Any]:
        """Post the bytes signed; returns the 202's `signup_id`, `correlation_id` and `status_url`.

        Args:
            webhook_id: the delivery's id; None makes a new one.

        Raises:
            Refused: Usher does not run, or does not take this sign-up (each bad field is named).
        """
        id = webhook_id or f"msg_{uuid.uuid4().hex}"
        signed = sign(self.env["USHER_SIGNUP_SECRET"], body, webhook_id=id)
        status, answer = self._call("POST", f"{self.url}/webhooks/signup", signed.headers, body)
        if status != 202:
            raise Refused(f"the sign-up was not taken: {said(status, answer)}", exit_code=1)
        return answer

    def signup(self, signup_id: str) -> dict[str, Any]:
        """The status body of a sign-up. Raises Refused when Usher does not run or knows no such id."""
        headers = {"authorization": f"Bearer {self.env['USHER_PRODUCT_TOKEN']}"}
        status, answer = self._call("GET", f"{self.url}/v1/signups/{signup_id}", headers)
        if status == 404:
            raise Refused(f"there is no sign-up {signup_id} at {self.url}", exit_code=1)
        if status != 200:
            raise Refused(f"the status was not told: {said(status, answer)}", exit_code=1)
        return answer

    def operate(
        self,
        method: str,
        path: str,
        *,
        role: str,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """What the operator API answers to an operator of this role.

        Args:
            path: with its query string.
            key: the Idempotency-Key; with one the request may be sent again.

        Raises:
            Refused: Usher does not run, or refuses; its own words say why.
        """
        headers = {"authorization": f"Bearer {self.env[f'USHER_OPERATOR_TOKEN_{role.upper()}']}"}
        if key is not None:
            headers["idempotency-key"] = key
        raw = None
        if body is not None:
            headers["content-type"] = "application/json"
            raw = json.dumps(body).encode()
        status, answer = self._call(method, self.url + path, headers, raw)
        if not 200 <= status < 300:
            raise Refused(said(status, answer), exit_code=1)
        return answer

    def vendor(self, vendor: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """What a vendor answers to a GET. Raises Refused when it does not answer well."""
        status, answer = self._call("GET", self.env[f"{vendor.upper()}_API_BASE"] + path, headers)
        if status != 200:
            raise Refused(f"{vendor} answered {status} to GET {path}", exit_code=1)
        return answer

    def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            response = self._http.request(method, url, headers=headers, body=body)
            answer = json.loads(response.data)
        except urllib3.exceptions.HTTPError as error:
            raise Refused(f"nothing answers at {url}: start Usher with `usher up`") from error
        except ValueError as error:
            raise Refused(f"{url} did not answer in JSON: something else may listen there") from error
        return response.status, answer


def said(status: int, answer: Mapping[str, Any]) -> str:
    """A problem (RFC 9457) as one line that names every bad field."""
    fields = "; ".join(f"{e['field'].removeprefix('data.')} {e['message']}" for e in answer.get("errors", ()))
    return f"{fields or answer.get('detail') or answer} ({status})"
