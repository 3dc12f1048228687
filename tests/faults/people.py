"""Who acts in the ways that wait for a person: they begin something, and pay, or not, when they can."""

from collections.abc import Callable
from typing import Any

import urllib3

from tests.faults.world import World

PHONE = "+85251234567"
ANSWERED = frozenset({200, 201})
_TRIES = 3


class Customer:
    """Signs up, and pays at the page that Usher tells as soon as it is there; each page once.

    Args:
        values: of the sign-up.
        page: what `POST /_control/pay` of Stripe's stand-in calls such a page.
        at_page: what else is done there.
    """

    def __init__(self, values: dict[str, Any], *, page: str = "session", **at_page: Any) -> None:
        self._values, self._page, self._at_page = values, page, at_page
        self._been_at: set[str] = set()
        self._times = 0

    @property
    def has_paid(self) -> bool:
        """Whether they have been at a page, whatever came of it."""
        return bool(self._been_at)

    def begin(self, world: World) -> None:
        """Sign up; once more is the same person anew."""
        self._times += 1
        world.sign_up(webhook_id=f"msg_{self._times}", **self._values)

    def act(self, world: World) -> None:
        """Do what can be done by now, if anything."""
        for row in world.rows("signups"):
            url = row.get("checkout_url")
            if url and row["status"] == "waiting_payment" and url not in self._been_at:
                self._been_at.add(url)
                order = {self._page: url, **self._at_page}
                world.vendors.control("stripe", "POST", "pay", order)


class Nobody(Customer):
    """Signs up and never comes to pay."""

    def act(self, world: World) -> None:
        """Stay away."""


class Bank(Customer):
    """Signs up by bank debit; the bank lets it through once it is waited for, or once it has `status`."""

    def __init__(self, values: dict[str, Any], *, status: str = "waiting_payment") -> None:
        super().__init__({"payment": "bank", "payment_method": "pm_usBankAccount", **values})
        self._status = status

    def act(self, world: World) -> None:
        """The money arrives."""
        if all(row["status"] != self._status for row in world.rows("signups")):
            return
        for intent in world.vendors.objects()["stripe"].get("payment_intent", []):
            if intent["status"] == "processing":
                order = {"payment_intent": intent["id"], "outcome": "succeed"}
                world.vendors.control("stripe", "POST", "settle_payment", order)


class Dashboard(Customer):
    """Signs up; once they are in, somebody changes something of theirs at Stripe, by hand and once.

    Args:
        change: does it, given Stripe's API.
    """

    def __init__(self, change: Callable[[Any], Any], values: dict[str, Any] | None = None) -> None:
        super().__init__(values or {})
        self._change, self._is_done = change, False

    def act(self, world: World) -> None:
        """Change it, when all is set up."""
        rows = world.rows("signups")
        if self._is_done or not rows or any(row["stage"] != "welcomed" for row in rows):
            return
        self._is_done = True
        with world.vendors.stripe() as stripe:
            self._change(stripe)


class Buyer(Customer):
    """Is sold something by a payment link, and pays at it. Who sells asks again when Usher cannot answer.

    Args:
        sold: a plan or credits.
        team: whether the product has a team of this phone already.
        by_bank: pays by bank, whose answer this is.
        pays: whether they pay at all, or `False` and never look at the page.
    """

    def __init__(
        self,
        sold: dict[str, Any],
        *,
        team: bool = False,
        by_bank: str | None = None,
        pays: bool = True,
        **at_page: Any,
    ) -> None:
        typed = {"email": "payer@example.com", **at_page}
        super().__init__({}, page="link", **typed)
        self._sold, self._team, self._by_bank, self._pays = sold, team, by_bank, pays

    def begin(self, world: World) -> None:
        """Order the link; a 503 says that the same order may be sent again."""
        if self._team:
            self._team = False
            world.vendors.control("product", "POST", "teams", {"teams": [{"name": "Old", "phone": PHONE}]})
        body = {"phone": PHONE, "name": "Acme", "email": "acme@example.com", **self._sold}
        for _ in range(_TRIES):
            try:
                status, _answer = world.call("POST", "/v1/onboardings", body)
            except urllib3.exceptions.HTTPError:  # who answered was killed
                return
            if status != 503:
                return

    def act(self, world: World) -> None:
        """Pay at the link; a bank says later what came of it."""
        if not self._pays:
            return
        super().act(world)
        if self._by_bank is None:
            return
        for intent in world.vendors.objects()["stripe"].get("payment_intent", []):
            if intent["status"] == "processing":
                order = {"payment_intent": intent["id"], "outcome": self._by_bank}
                world.vendors.control("stripe", "POST", "settle_payment", order)
