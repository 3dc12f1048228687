"""An account with a subscription at the Stripe stand-in, changed by the operator API; time stands still."""

import contextlib
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from infra import policy_files
from tests.contract.stripe_shop import Shop, opened_shop
from tests.fakes import api
from tests.fakes.platform import FixedSecrets
from tests.fakes.world import PUBLIC_URL, World
from usher.adapters.stripe_billing import StripeBilling
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.plans import PlanCatalog, price_key
from usher.ports.store import Item, Put, Update
from usher.records.billing import ids_in
from usher.settings import Settings
from usher.settings import install as install_settings

_numbers = itertools.count()


def stocked(shop: Shop, catalog: PlanCatalog) -> None:
    """Give the shop the catalog's prices, in every currency, and a promotion code HALF."""
    for key, plan in catalog.plans.items():
        if not plan.billed:
            continue
        product = shop.api.products.create({"name": plan.name}).id
        recurring = {"interval": plan.interval}
        own: list[tuple[str | None, int]] = [(None, plan.amount_minor)]
        for currency, amount in [*own, *plan.currencies.items()]:
            terms = {"product": product, "unit_amount": amount, "recurring": recurring}
            terms |= {"currency": currency or catalog.currency}
            shop.api.prices.create({**terms, "lookup_key": price_key(key, currency=currency)})
    half = shop.api.coupons.create({"percent_off": 50, "duration": "forever"}).id
    shop.api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": half}, "code": "HALF"})


@contextlib.contextmanager
def stocked_shop() -> Iterator[Shop]:
    """A shop that sells what policies/plans.yaml says."""
    with opened_shop() as shop:
        stocked(shop, PlanCatalog.model_validate(policy_files.load("plans")))
        yield shop


class Subscriber:
    """An account whose customer lives by a test clock; our own clock is kept in step with it."""

    def __init__(
        self,
        shop: Shop,
        world: World,
        *,
        plan: str = "starter-monthly",
        start: datetime | None = None,
        method: str | None = "pm_card_visa",
        **more: Any,
    ) -> None:
        self.shop, self.world, self.api = shop, world, shop.api
        install_settings(Settings(public_url=PUBLIC_URL, stripe_api_base=shop.url))
        world.secrets = FixedSecrets(stripe_api_key="sk_test_shop")
        if start is not None:
            world.clock.advance_to(start)
        self.signup = world.given_signup("ada", status="active", plan=plan)
        self.account_id, began = "acc_1", world.clock.now()
        self.clock = self.api.test_helpers.test_clocks.create({"frozen_time": int(began.timestamp())}).id
        self.customer = shop.customer(method, test_clock=self.clock)
        self.account_item(plan)
        self.calls = StripeCalls(api_base=shop.url, api_key="sk_test_shop")
        self.billing = StripeBilling(self.calls)
        price = self.billing.prices.of(plan)
        names = {"account_id": self.account_id, "signup_id": self.signup.signup_id}
        order = {"customer": self.customer.id, "items": [{"price": price}], "metadata": names, **more}
        self.id = str(self.api.subscriptions.create(order).id)
        self.sync()
        self.seen = len(world.events(self.account_id))

    def account_item(self, plan: str) -> None:
        account: Item = {
            "account_id": self.account_id,
            "org_name": "Analytical Engines",
            "status": "active",
            "plan": plan,
            "signup_id": self.signup.signup_id,
            "correlation_id": self.signup.correlation_id,
            "created_at": "2025-11-21T12:00:00.000Z",
            "customer_id": self.customer.id,
            "version": 1,
        }
        self.world.store.write(Put("accounts", account))

    def sync(self, id: str | None = None) -> None:
        """Bring our copy in step, as a webhook would."""
        facts = self.billing.fetch("subscription", id or self.id)
        assert facts is not None
        known = self.world.records.known(ids_in(facts))
        self.world.records.record(
            facts,
            account_id=self.account_id,
            known=known,
            correlation_id=self.signup.correlation_id,
            now=self.world.clock.now(),
        )

    def later(self, **delta: float) -> "Subscriber":
        """Let time pass, at Stripe and here."""
        to = self.world.clock.now() + timedelta(**delta)
        self.world.clock.advance_to(to)
        self.api.test_helpers.test_clocks.advance(self.clock, {"frozen_time": int(to.timestamp())})
        self.sync()
        return self

    def post(self, action: str, body: Any = None, **options: Any) -> tuple[int, dict[str, Any]]:
        """POST .../subscription/{action}; `key` is its Idempotency-Key, by default another each time."""
        options["headers"] = {"idempotency-key": options.pop("key", None) or f"key-{next(_numbers)}"}
        options = {"role": "billing"} | options
        path = f"/v1/accounts/{self.account_id}/subscription/{action}"
        return api.call("POST", path, body if body is not None else {}, **options)

    def row(self, id: str | None = None) -> Item:
        found = self.world.store.get("subscriptions", {"subscription_id": id or self.id})
        assert found is not None
        return found

    def at_stripe(self, *expand: str) -> Any:
        return self.api.subscriptions.retrieve(self.id, {"expand": list(expand)})

    def invoices(self) -> list[Any]:
        """Oldest first."""
        return list(self.api.invoices.list({"subscription": self.id, "limit": 100}).data)[::-1]

    def balance(self) -> int:
        return int(self.api.customers.retrieve(self.customer.id).balance)

    def use_card(self, method: str) -> None:
        card = self.api.payment_methods.attach(method, {"customer": self.customer.id})
        settings = {"invoice_settings": {"default_payment_method": card.id}}
        self.api.customers.update(self.customer.id, settings)

    def audited(self) -> list[Item]:
        return self.world.rows("audit")


def told(ada: Subscriber) -> set[str]:
    """What was told of the subscription and of MRR since the last look."""
    events = ada.world.events(ada.account_id)[ada.seen :]
    ada.seen += len(events)
    names = {event.removeprefix("subscription.") for event in events}
    return {name for name in names if "." not in name or name.startswith("mrr.")}


def noted(ada: Subscriber, **values: Any) -> None:
    """Our copy says something else."""
    ada.world.store.write(Update("subscriptions", {"subscription_id": ada.id}, set=values))


def payment_of(ada: Subscriber) -> str:
    payments = ada.api.invoice_payments.list({"invoice": ada.invoices()[0].id}).data
    return str(payments[0].payment.payment_intent)
