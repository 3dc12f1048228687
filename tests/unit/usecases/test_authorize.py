"""Who a bearer token speaks for (F1)."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from infra.local.manual_clock import ManualClock
from tests.fakes.platform import FixedSecrets
from tests.fakes.world import NOON
from usher.domain.access import Caller
from usher.domain.errors import VendorUnavailable
from usher.ports.logins import Login
from usher.usecases.authorize import MAX_TOKEN, authorize

NOBODY = Caller("")


@dataclass
class KnownLogins:
    """Implements usher.ports.logins.Logins: tokens and whose they are; `asked` for each."""

    people: dict[str, Login] = field(default_factory=dict)
    is_down: bool = False
    asked: list[str] = field(default_factory=list)

    def who(self, token: str, *, wall: datetime) -> Login | None:
        self.asked.append(token)
        if self.is_down:
            raise VendorUnavailable("the user pool's keys cannot be had")
        return self.people.get(token)


def hashed(**roles: str) -> FixedSecrets:
    tokens = {hashlib.sha256(token.encode()).hexdigest(): role for token, role in roles.items()}
    return FixedSecrets(access_tokens=json.dumps(tokens))


def ask(header: str, *, secrets: FixedSecrets | None = None, logins: KnownLogins | None = None) -> Caller:
    return authorize(header, secrets=secrets or hashed(tok="support"), logins=logins, clock=ManualClock(NOON))


@pytest.mark.parametrize("header", ["Bearer tok", "bearer tok", "Bearer  tok "])
def test_a_known_token_speaks_for_its_role_and_is_named_without_being_told(header: str) -> None:
    caller = ask(header)
    assert caller.role == "support"
    assert caller.subject == "token:" + hashlib.sha256(b"tok").hexdigest()[:8]


@pytest.mark.parametrize(
    "header",
    ["", "tok", "Basic tok", "Bearer", "Bearer ", "Bearer other", "Bearer \ud800", "Bearer tok\xe9"],
)
def test_anything_else_speaks_for_nobody(header: str) -> None:
    assert ask(header, logins=KnownLogins()) == NOBODY


def test_a_token_taken_out_of_the_secret_is_refused_at_once() -> None:
    secrets = hashed(old="admin")
    secrets.rotate("access_tokens", hashed(new="admin").get("access_tokens"))
    assert ask("Bearer old", secrets=secrets) == NOBODY
    assert ask("Bearer new", secrets=secrets).role == "admin"


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["viewer"], "viewer"),
        (["viewer", "billing", "support"], "billing"),
        (["admin", "everybody"], "admin"),
        (["everybody"], ""),
        (["product"], ""),  # a person is never the product's backend
        ([], ""),
    ],
)
def test_a_person_has_the_highest_role_among_their_groups(groups: list[str], role: str) -> None:
    logins = KnownLogins({"jwt": Login("ada", groups)})
    assert ask("Bearer jwt", logins=logins) == Caller("ada", role)


def test_a_login_is_not_asked_about_a_token_we_know_nor_about_an_endless_one() -> None:
    logins = KnownLogins()
    assert ask("Bearer tok", logins=logins).role == "support"
    assert ask("Bearer " + "x" * (MAX_TOKEN + 1), logins=logins) == NOBODY
    assert logins.asked == []


def test_without_a_user_pool_only_hashed_tokens_count() -> None:
    assert ask("Bearer a.b.c", logins=None) == NOBODY


def test_a_directory_that_does_not_answer_is_an_outage_and_no_refusal() -> None:
    with pytest.raises(VendorUnavailable):
        ask("Bearer jwt", logins=KnownLogins(is_down=True))
