"""An Usher with one account whose customer is at the Stripe stand-in, for tests of the routes about money."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.stripe_shop import Shop, opened_shop
from tests.fakes.platform import FixedSecrets
from tests.fakes.world import PUBLIC_URL, World, world
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.ports.store import Put
from usher.records.billing import ids_in
from usher.settings import Settings
from usher.settings import install as install_settings

__all__ = ["world"]

_accounts = itertools.count()
Answered = tuple[int, dict[str, Any]]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop(api_key="sk_test_shop") as opened:
        yield opened


@dataclass
class Office:
    """An Usher with one account, whose customer is at the stand-in."""

    world: World
    shop: Shop
    calls: StripeCalls
    account_id: str

    def __post_init__(self) -> None:
        self.billing = StripeBilling(self.calls)
        self.customer_id = ""

    def open_account(self, method: str | None = "pm_card_visa") -> None:
        self.customer = self.shop.customer(method)
        self.customer_id = self.customer.id
        account = {
            "account_id": self.account_id,
            "org_name": "Analytical Engines",
            "status": "active",
            "plan": "starter-monthly",
            "signup_id": "su_ada",
            "correlation_id": "cor_ada",
            "created_at": "2025-11-21T12:00:00.000Z",
            "billing_email": "ada@example.com",
            "customer_id": self.customer_id,
            "version": 1,
        }
        self.world.store.inner.write(Put("accounts", account))

    def record(self, kind: str, id: str) -> None:
        """What sync would have recorded by now."""
        facts = self.billing.fetch(kind, id)
        assert facts is not None
        known = self.world.records.known(ids_in(facts))
        self.world.records.record(
            facts,
            account_id=self.account_id,
            known=known,
            correlation_id="cor_ada",
            now=self.world.clock.now(),
        )

    def paid(self, method: str = "pm_card_visa") -> str:
        """A payment of 29.00 USD on record."""
        self.open_account(method)
        subscription = self.shop.subscribe(self.customer)
        self.record("invoice", subscription.latest_invoice)
        return str(self.shop.intent_of(subscription).id)

    def owed(self, quantity: int = 1) -> str:
        """An open invoice over 29.00 USD for each of `quantity`, on record."""
        if not self.customer_id:
            self.open_account(None)
        items = [{"price": self.shop.price, "quantity": quantity}]
        more = {"collection_method": "send_invoice", "days_until_due": 14, "items": items}
        subscription = self.shop.subscribe(self.customer, **more)
        self.record("invoice", subscription.latest_invoice)
        return str(subscription.latest_invoice)

    def row(self, table: str, **where: str) -> dict[str, Any]:
        (found,) = [row for row in self.world.rows(table) if where.items() <= row.items()]
        return found

    def told(self, *types: str) -> list[str]:
        return [type for type in self.world.events(self.account_id) if type in types]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.world.rows(table)

    def refunds(self, payment_id: str) -> list[int]:
        """The amounts given back at the vendor, the first one first."""
        found = self.shop.api.refunds.list({"payment_intent": payment_id}).data
        return [refund.amount for refund in found[::-1]]

    def fault(self, operation: str, fault: str, **more: Any) -> None:
        order = {"operation": operation, "fault": fault, "seconds": 0, **more}
        self.shop.control("POST", "/_control/faults", order)

    def audited(self) -> list[tuple[str, str]]:
        return [(row["action"], row["actor"]) for row in self.world.rows("audit")]


@pytest.fixture
def office(world: World, shop: Shop) -> Iterator[Office]:
    install_settings(Settings(public_url=PUBLIC_URL, stripe_api_base=shop.url))
    world.secrets = FixedSecrets(stripe_api_key="sk_test_shop")
    calls = StripeCalls(api_base=shop.url, api_key="sk_test_shop")
    yield Office(world, shop, calls, f"acc_ada{next(_accounts)}")  # keys at the vendor name the account
    calls._http.close()
