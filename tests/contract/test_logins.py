"""Tokens of a Cognito user pool: which of them name a person. The pool serves its keys on loopback."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from usher.adapters.cognito_logins import FETCH_EVERY_SECONDS, RETRY_EVERY_SECONDS, CognitoLogins
from usher.domain.errors import VendorUnavailable
from usher.ports.logins import Login

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ADA = Login("ada", ("support",))


class Pool:
    """A user pool: its private keys by id, what it answers for its public ones, how often it was asked."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {}
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[str] = []
        pool = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pool.asked.append(self.path)
                body = pool.body if pool.body is not None else pool.key_set()
                self.send_response(pool.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/eu-west-1_pool"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def key_set(self) -> bytes:
        keys = [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": id, "use": "sig"}
            for id, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def made_key() -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def keys() -> list[RSAPrivateKey]:
    return [made_key(), made_key()]


@pytest.fixture
def pool(keys: list[RSAPrivateKey]) -> Iterator[Pool]:
    pool = Pool()
    pool.keys["k1"] = keys[0]
    yield pool
    pool.close()


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def logins(pool: Pool, ticks: Ticks) -> CognitoLogins:
    return CognitoLogins(pool.issuer, frozenset({"console", "cli"}), ticks=ticks)


def claims(pool: Pool, **changed: Any) -> dict[str, Any]:
    """An access token's claims as Cognito writes them; None leaves one out."""
    usual = {
        "sub": "7a1b",
        "iss": pool.issuer,
        "client_id": "console",
        "token_use": "access",
        "username": "ada",
        "cognito:groups": ["support"],
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def token(pool: Pool, *, key: Any = None, kid: str = "k1", alg: str = "RS256", **changed: Any) -> str:
    signer = pool.keys[kid] if key is None else key
    return jwt.encode(claims(pool, **changed), signer, algorithm=alg, headers={"kid": kid})


def test_an_access_token_names_its_person_and_their_groups(pool: Pool, logins: CognitoLogins) -> None:
    assert logins.who(token(pool), wall=NOW) == ADA
    assert pool.asked == ["/eu-west-1_pool/.well-known/jwks.json"]


def test_an_id_token_does_so_too_by_its_audience(pool: Pool, logins: CognitoLogins) -> None:
    id_token: dict[str, Any] = {
        "token_use": "id",
        "client_id": None,
        "aud": "cli",
        "username": None,
        "cognito:username": "ada",
    }
    assert logins.who(token(pool, **id_token), wall=NOW) == ADA
    assert logins.who(token(pool, **{**id_token, "aud": "other"}), wall=NOW) is None


def test_a_person_without_groups_is_still_a_person(pool: Pool, logins: CognitoLogins) -> None:
    assert logins.who(token(pool, **{"cognito:groups": None}), wall=NOW) == Login("ada", ())


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/another"},
        {"iss": None},
        {"client_id": "another"},
        {"client_id": None},
        {"client_id": None, "aud": "console"},  # an access token's client is in client_id
        {"client_id": ["console"]},
        {"token_use": "refresh"},
        {"token_use": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": None},
        {"username": None},
        {"username": 7},
        {"cognito:groups": "admin"},
    ],
    ids=str,
)
def test_a_genuine_token_that_is_not_meant_for_us_names_nobody(
    pool: Pool, logins: CognitoLogins, changed: dict[str, Any]
) -> None:
    assert logins.who(token(pool, **changed), wall=NOW) is None


@pytest.mark.parametrize(
    ("at", "counts"),
    [(-31, False), (-29, True), (0, True), (3600 + 29, True), (3600 + 31, False)],
)
def test_a_token_counts_from_its_issue_to_its_end_give_or_take_half_a_minute(
    pool: Pool, logins: CognitoLogins, at: int, counts: bool
) -> None:
    assert (logins.who(token(pool), wall=NOW + timedelta(seconds=at)) is not None) is counts


def test_a_token_signed_by_another_key_under_a_known_id_is_nobody_s(
    pool: Pool, logins: CognitoLogins, keys: list[RSAPrivateKey]
) -> None:
    assert logins.who(token(pool, key=keys[1]), wall=NOW) is None


def test_other_algorithms_are_not_taken(pool: Pool, logins: CognitoLogins) -> None:
    secret = "k" * 64  # were the public key taken as a shared secret, anybody could sign
    assert logins.who(token(pool, key=secret, alg="HS256"), wall=NOW) is None
    unsigned = jwt.encode(claims(pool), None, algorithm="none", headers={"kid": "k1"})
    assert logins.who(unsigned, wall=NOW) is None
    assert logins.who(token(pool, alg="RS512"), wall=NOW) is None


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "e30.e30.e30", "eyJhbGciOiJSUzI1NiJ9.e30.AA", "x" * 99]
)
def test_what_is_no_token_is_nobody_s_and_asks_nobody(pool: Pool, logins: CognitoLogins, text: str) -> None:
    assert logins.who(text, wall=NOW) is None
    assert pool.asked == []


def test_a_tampered_token_is_nobody_s(pool: Pool, logins: CognitoLogins) -> None:
    head, _, signature = token(pool).split(".")
    body = token(pool, **{"cognito:groups": ["admin"]}).split(".")[1]
    assert logins.who(f"{head}.{body}.{signature}", wall=NOW) is None


def test_keys_are_fetched_once_and_again_when_the_pool_has_new_ones(
    pool: Pool, logins: CognitoLogins, ticks: Ticks, keys: list[RSAPrivateKey]
) -> None:
    for _ in range(3):
        assert logins.who(token(pool), wall=NOW) == ADA
    assert len(pool.asked) == 1
    pool.keys["k2"] = keys[1]
    ticks.now += FETCH_EVERY_SECONDS
    assert logins.who(token(pool, kid="k2"), wall=NOW) == ADA
    assert len(pool.asked) == 2


def test_made_up_key_ids_ask_the_pool_once_a_minute(
    pool: Pool, logins: CognitoLogins, ticks: Ticks, keys: list[RSAPrivateKey]
) -> None:
    for number in range(20):
        assert logins.who(token(pool, key=keys[1], kid=f"made-up-{number}"), wall=NOW) is None
    assert len(pool.asked) == 1
    ticks.now += FETCH_EVERY_SECONDS
    assert logins.who(token(pool, key=keys[1], kid="made-up"), wall=NOW) is None
    assert len(pool.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"), [(500, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"keys": [7]}')]
)
def test_a_pool_that_does_not_give_its_keys_is_an_outage_and_asked_again_soon(
    pool: Pool, logins: CognitoLogins, ticks: Ticks, status: int, body: bytes
) -> None:
    pool.status, pool.body = status, body
    for _ in range(2):
        with pytest.raises(VendorUnavailable):
            logins.who(token(pool), wall=NOW)
    assert len(pool.asked) == 1
    pool.status, pool.body = 200, None
    ticks.now += RETRY_EVERY_SECONDS
    assert logins.who(token(pool), wall=NOW) == ADA


def test_known_keys_stay_good_while_the_pool_is_away(pool: Pool, logins: CognitoLogins, ticks: Ticks) -> None:
    assert logins.who(token(pool), wall=NOW) == ADA
    pool.status = 503
    ticks.now += 10 * FETCH_EVERY_SECONDS
    assert logins.who(token(pool), wall=NOW) == ADA
