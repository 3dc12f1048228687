"""Logins of a Cognito user pool: its JSON Web Tokens, checked with the keys the pool publishes."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import jwt
import urllib3

from usher.domain.errors import VendorUnavailable
from usher.ports.logins import Login

LEEWAY_SECONDS = 30  # clocks differ
FETCH_EVERY_SECONDS = 60.0  # a made-up key id costs the pool one request a minute, whoever sends how many
RETRY_EVERY_SECONDS = 5.0  # after a failure
TIMEOUT_SECONDS = 2.0

_REQUIRED = ["exp", "iss", "sub", "token_use"]
_OPTIONS: Any = {
    "require": _REQUIRED,
    # Times are compared below, with the clock port's; who a token is for has two names in Cognito.
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False),
}


class CognitoLogins:
    """Implements usher.ports.logins.Logins.

    Args:
        issuer: the pool, `https://cognito-idp.REGION.amazonaws.com/POOL_ID`.
        clients: ids of the pool's app clients whose tokens are meant for us.
        ticks: seconds that only grow, to space requests for keys.
    """

    def __init__(
        self, issuer: str, clients: frozenset[str], *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._clients = clients
        self._keys = _Keys(f"{self._issuer}/.well-known/jwks.json", ticks)

    def who(self, token: str, *, wall: datetime) -> Login | None:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
                return None
            key = self._keys.key(header["kid"])
            if key is None:
                return None
            claims = jwt.decode(token, key, algorithms=["RS256"], issuer=self._issuer, options=_OPTIONS)
        except (jwt.PyJWTError, ValueError, RecursionError):  # whatever a stranger makes of a token
            return None
        if not self._is_for_us(claims) or not _in_force(claims, wall.timestamp()):
            return None
        name = claims.get("username") or claims.get("cognito:username")
        groups = claims.get("cognito:groups") or []
        if not isinstance(name, str) or not isinstance(groups, list):
            return None
        return Login(name, tuple(group for group in groups if isinstance(group, str)))

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        """An access token names its client in `client_id`, an id token in `aud`; others are not taken."""
        client = {"access": claims.get("client_id"), "id": claims.get("aud")}.get(str(claims["token_use"]))
        return isinstance(client, str) and client in self._clients


class _Keys:
    """The pool's public keys, kept for as long as the process lives; an unknown key id asks the pool anew."""

    def __init__(self, url: str, ticks: Callable[[], float]) -> None:
        self._url = url
        self._ticks = ticks
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS)
        self._lock = threading.Lock()
        self._known: dict[str, jwt.PyJWK] = {}
        self._next_fetch = float("-inf")
        self._failed = False

    def key(self, id: str) -> jwt.PyJWK | None:
        """The key of this id. Raises VendorUnavailable when it is not known and the pool does not answer."""
        with self._lock:
            if id not in self._known:
                self._fetch()
            found = self._known.get(id)
            if found is None and self._failed:
                raise VendorUnavailable("the user pool's keys cannot be had")
            return found

    def _fetch(self) -> None:
        if self._ticks() < self._next_fetch:
            return
        self._failed = True
        try:
            answer = self._http.request("GET", self._url)
            if answer.status == 200:
                self._known = _usable(json.loads(answer.data))
                self._failed = False
        except (urllib3.exceptions.HTTPError, ValueError, jwt.PyJWTError):
            pass  # told by `_failed`; the keys known so far stay good
        self._next_fetch = self._ticks() + (RETRY_EVERY_SECONDS if self._failed else FETCH_EVERY_SECONDS)


def _usable(document: Any) -> dict[str, jwt.PyJWK]:
    keys = document["keys"] if isinstance(document, dict) and isinstance(document.get("keys"), list) else []
    if not keys or not all(isinstance(key, dict) for key in keys):
        raise ValueError("not a key set")
    signing = [key for key in keys if key.get("kty") == "RSA" and key.get("use", "sig") == "sig"]
    return {str(key["kid"]): jwt.PyJWK(key, algorithm="RS256") for key in signing if "kid" in key}


def _in_force(claims: Mapping[str, Any], now: float) -> bool:
    """Whether `exp` lies ahead and `iat` and `nbf` behind, give or take the leeway."""
    times: dict[str, Any] = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if not all(type(value) in (int, float) for value in times.values()):
        return False
    began = all(times[name] <= now + LEEWAY_SECONDS for name in ("iat", "nbf") if name in times)
    return began and "exp" in times and bool(now < times["exp"] + LEEWAY_SECONDS)
