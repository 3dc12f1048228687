"""The catalog's routes behind the local gateway, on the platform that is installed, without a socket."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from infra import catalog
from infra.local.functions import Functions
from infra.local.gateway import Gateway
from usher.domain.access import PRODUCT, ROLES

EVERYBODY = (PRODUCT, *ROLES)
TOKENS = {role: f"token-of-{role}" for role in EVERYBODY}


def access_tokens() -> str:
    """The secret that knows a token for each role."""
    return json.dumps({hashlib.sha256(token.encode()).hexdigest(): role for role, token in TOKENS.items()})


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    """Takes requests as the network would bring them. The routes' rates never run out."""

    def __init__(self) -> None:
        ticks = itertools.count(0, 1000)
        self._gateway = Gateway(
            catalog.ROUTES,
            Functions(catalog.FUNCTIONS),
            authorizer=catalog.AUTHORIZER,
            threads=1,
            steady=lambda: float(next(ticks)),
        )

    def close(self) -> None:
        self._gateway.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: bytes = b"",
        query: Mapping[str, str] | bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """One request. What `path` must not hold is percent-encoded; percent signs stay as they are."""
        sent = {"host": "usher", "content-type": "application/json", **(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        scope = {
            "type": "http",
            "method": method,
            "raw_path": quote(path, safe="/%").encode(),
            "query_string": query if isinstance(query, bytes) else urlencode(query).encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
            "http_version": "1.1",
        }
        return asyncio.run(self._answer(scope, body))

    async def _answer(self, scope: dict[str, Any], body: bytes) -> Said:
        said: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Mapping[str, Any]) -> None:
            said.append(message)

        await self._gateway(scope, receive, send)
        headers = {name.decode(): value.decode("latin-1") for name, value in said[0]["headers"]}
        return Said(said[0]["status"], headers, said[1]["body"])
