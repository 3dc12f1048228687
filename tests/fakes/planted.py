"""Objects that the vendor and we hold, alike or not, for reconciliations to compare."""

from datetime import timedelta
from typing import Any

from tests.fakes.billing import START
from tests.fakes.reconciling import ListedBilling, Reconciler
from tests.fakes.world import World
from usher.domain.reconciliation import COMPARED
from usher.ports.billing_facts import CustomerSnapshot, InvoiceSnapshot, PaymentSnapshot, SubscriptionSnapshot
from usher.ports.store import Put
from usher.records.billing import BillingFacts
from usher.records.mismatches import Mismatch

DAY = {"from": "2025-11-21"}
ACCOUNT = "acc_ada"


def reconciler_at(world: World) -> Reconciler:
    """One account with a customer, a minute after everything was made."""
    world.store.write(
        Put(
            "accounts",
            {
                "account_id": ACCOUNT,
                "org_name": "Ada Works",
                "status": "active",
                "plan": "pro-monthly",
                "signup_id": "su_ada",
                "correlation_id": "cor_ada",
                "created_at": "2025-11-21T12:00:00.000Z",
                "customer_id": "cus_1",
                "version": 1,
            },
        )
    )
    world.billing.customers["cus_1"] = CustomerSnapshot(
        customer_id="cus_1", account_id=ACCOUNT, email="ada@example.com"
    )
    world.clock.advance(3600)
    return Reconciler(world, ListedBilling(world))


def invoice(number: int, second: int = 0, **changed: Any) -> InvoiceSnapshot:
    values: dict[str, Any] = {
        "invoice_id": f"in_{number}",
        "customer_id": "cus_1",
        "subscription_id": None,
        "status": "paid",
        "currency": "usd",
        "amount_due_minor": 1900,
        "amount_paid_minor": 1900,
        "created_at": START + timedelta(seconds=second),
    }
    return InvoiceSnapshot(**(values | changed))


def payment(number: int, **changed: Any) -> PaymentSnapshot:
    values: dict[str, Any] = {
        "payment_id": f"pi_{number}",
        "customer_id": "cus_1",
        "amount_minor": 1900,
        "currency": "usd",
        "status": "succeeded",
        "created_at": START,
    }
    return PaymentSnapshot(**(values | changed))


def subscription(number: int, **changed: Any) -> SubscriptionSnapshot:
    values: dict[str, Any] = {
        "subscription_id": f"sub_{number}",
        "customer_id": "cus_1",
        "plan": "pro-monthly",
        "price_id": "price_1",
        "quantity": 1,
        "status": "active",
        "current_period_start": START,
        "current_period_end": START + timedelta(days=30),
        "started_at": START,
    }
    return SubscriptionSnapshot(**(values | changed))


def there(world: World, *objects: Any) -> None:
    """The vendor holds them."""
    for each in objects:
        for compared in COMPARED.values():
            if hasattr(each, compared.id) and type(each).__name__.lower().startswith(compared.table[:-1]):
                getattr(world.billing, compared.table)[getattr(each, compared.id)] = each


def here(world: World, *objects: Any) -> None:
    """We hold them, as sync would have recorded them."""
    for each in objects:
        kind = type(each).__name__.removesuffix("Snapshot").lower()
        facts = (
            BillingFacts(subscription=each)
            if kind == "subscription"
            else BillingFacts(**{f"{kind}s": (each,)})
        )
        world.records.record(facts, account_id=ACCOUNT, known={}, correlation_id="cor", now=world.clock.now())


def both(world: World, *objects: Any) -> None:
    there(world, *objects)
    here(world, *objects)


def kinds(found: list[Mismatch]) -> dict[str, tuple[str, str]]:
    return {row.object_id: (row.kind, row.state) for row in found}


def plant(world: World) -> dict[str, str]:
    """One of each kind of mismatch among what agrees; returns id to kind."""
    both(world, *(invoice(number, number) for number in range(10, 40)), subscription(1), payment(1))
    there(world, invoice(50), subscription(2, status="canceled"), payment(2, amount_minor=2900))
    here(world, invoice(51), subscription(2), payment(2))
    there(world, invoice(52, status="void"), invoice(53, currency="eur"), invoice(54, customer_id="cus_2"))
    here(world, invoice(52, status="open"), invoice(53), invoice(54))
    there(world, invoice(55, customer_id="cus_stranger"), subscription(3, quantity=5))
    here(world, subscription(3))
    return {
        "in_50": "missing_local",
        "in_51": "missing_remote",
        "in_52": "status",
        "in_53": "currency",
        "in_54": "customer",
        "in_55": "unknown_account",
        "sub_2": "status",
        "sub_3": "terms",
        "pi_2": "amount",
    }


SAFE_ONES = {"in_50", "in_52", "sub_2", "sub_3", "pi_2"}
