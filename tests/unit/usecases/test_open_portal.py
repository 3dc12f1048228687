"""Portal sessions: who was billed gets the address, everybody else is told what to do."""

from functools import partial

import pytest

from tests.fakes.steps import run_until
from tests.fakes.world import World
from usher.domain.errors import Conflict, NotFound
from usher.usecases.open_portal import PortalBody, open_portal

BACK = "https://app.example.com/settings"


class Pages:
    """Fulfils ports/portal.py, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def open(self, *, customer_id: str, return_url: str, idempotency_key: str) -> str:
        self.asked.append((customer_id, return_url, idempotency_key))
        return f"https://billing.example.com/{customer_id}"


def test_a_customer_gets_their_pages(world: World) -> None:
    account_id = str(run_until(world, "activate_account", world.given_signup()).account_id)
    pages = Pages()
    body = PortalBody(account_id=account_id, return_url=BACK)
    url = open_portal(body, key="portal/req-1", accounts=world.accounts, portal=pages)
    account = world.accounts.find(account_id)
    assert account is not None and url == f"https://billing.example.com/{account.customer_id}"
    assert pages.asked == [(account.customer_id, BACK, "portal/req-1")]


def test_who_was_never_billed_or_is_nobody_has_none(world: World) -> None:
    signup = run_until(world, "register_signup", world.given_signup())
    opening = partial(open_portal, key="portal/req-1", accounts=world.accounts, portal=Pages())
    with pytest.raises(Conflict, match="open a checkout"):
        opening(PortalBody(account_id=str(signup.account_id), return_url=BACK))
    with pytest.raises(NotFound):
        opening(PortalBody(account_id="acc_nobody", return_url=BACK))
