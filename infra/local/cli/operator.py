"""An operator's view of a running Usher, here or on AWS: the API with a person's token."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from infra.local.cli.client import said
from infra.local.cli.refusal import Refused
from infra.local.data_dir import read_dev_env


@dataclass(frozen=True, slots=True)
class Operator:
    """Calls the operator API at `url` with a bearer token. Every method raises Refused, in one line."""

    url: str
    token: str
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30.0)
    )

    @classmethod
    def of(cls, data: Path, *, url: str | None, token: str | None, role: str = "support") -> "Operator":
        """The operator of the Usher in a data directory, or of the one at `url` with this token."""
        if url is not None:
            if token is None:
                raise Refused(f"--url needs --token: the token of somebody with the role {role}")
            return cls(url.rstrip("/"), token)
        try:
            env = read_dev_env(data / "dev.env")
        except OSError as error:
            raise Refused(
                f"no Usher has run in {data} yet: start one with `usher up --data {data}`"
            ) from error
        return cls(env["USHER_URL"], token or env[f"USHER_OPERATOR_TOKEN_{role.upper()}"])

    def failures(self, state: str) -> Iterator[dict[str, Any]]:
        """Every failure in a state, the one that has been there longest first."""
        cursor: dict[str, str] = {}
        while True:
            query = urlencode({"state": state, "limit": 100, **cursor})
            status, page = self._call("GET", f"/v1/failures?{query}")
            if status != 200:
                raise Refused(f"the failures were not told: {said(status, page)}", exit_code=1)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def redrive(self, id: str, reason: str) -> str | None:
        """Have it tried again; returns why not, None when it is. A sign-up may stand for its failure."""
        room = "onboardings" if id.startswith("su_") else "failures"
        path = f"/v1/{room}/{quote(id, safe='')}/redrive"
        status, answer = self._call("POST", path, {"reason": reason})
        if status == 202:
            return None
        if status in (404, 409):
            return str(answer.get("detail"))
        raise Refused(f"{id} was not redriven: {said(status, answer)}", exit_code=1)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the API answers; its refusal in its own words is raised as Refused."""
        status, answer = self._call(method, path, body)
        if status >= 300:
            raise Refused(said(status, answer), exit_code=1)
        return answer

    def text(self, path: str) -> str:
        """A report as it is, such as CSV; a refusal in its own words is raised as Refused."""
        response = self._request("GET", path, None)
        if response.status >= 300:
            raise Refused(said(response.status, self._json(response)), exit_code=1)
        return response.data.decode()

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        response = self._request(method, path, body)
        return response.status, self._json(response)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> urllib3.BaseHTTPResponse:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        text = None if body is None else json.dumps(body).encode()
        try:
            return self._http.request(method, self.url + path, headers=headers, body=text)
        except urllib3.exceptions.HTTPError as error:
            raise Refused(f"nothing answers at {self.url}: start Usher with `usher up`") from error

    def _json(self, response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(response.data)
        except ValueError as error:
            raise Refused(f"{self.url} did not answer in JSON: something else may listen there") from error
        return answer
