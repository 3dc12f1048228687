"""Who a bearer token speaks for."""

import hashlib
import json

import pytest

from tests.fakes.platform import FixedSecrets
from usher.usecases.authorize import role_of


def hashed(**roles: str) -> str:
    return json.dumps({hashlib.sha256(token.encode()).hexdigest(): role for token, role in roles.items()})


@pytest.mark.parametrize("header", ["Bearer tok", "bearer tok", "Bearer  tok "])
def test_a_known_token_speaks_for_its_role(header: str) -> None:
    assert role_of(header, secrets=FixedSecrets(access_tokens=hashed(tok="support"))) == "support"


@pytest.mark.parametrize("header", ["", "tok", "Basic tok", "Bearer", "Bearer other", "Bearer \ud800"])
def test_anything_else_speaks_for_nobody(header: str) -> None:
    assert role_of(header, secrets=FixedSecrets(access_tokens=hashed(tok="support"))) is None


def test_a_token_taken_out_of_the_secret_is_refused_at_once() -> None:
    secrets = FixedSecrets(access_tokens=hashed(old="admin"))
    secrets.rotate("access_tokens", hashed(new="admin"))
    assert role_of("Bearer old", secrets=secrets) is None
    assert role_of("Bearer new", secrets=secrets) == "admin"
