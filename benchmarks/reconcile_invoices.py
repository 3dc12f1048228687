"""The invoices of benchmarks/reconcile.py: as Stripe lists them, as we hold them, and how they differ."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.sqlite_store import SqliteStore
from usher.domain import times
from usher.domain.reconciliation import ObjectKind
from usher.ports.billing_facts import BillingFacts, InvoiceSnapshot
from usher.ports.billing_listing import VendorPage
from usher.ports.store import Put
from usher.records.billing_rows import row_of

ACCOUNT, CUSTOMER = "acc_bench", "cus_bench"
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = timedelta(days=28)  # over which the invoices are spread, a few of them in the same second
EVERY = 1000  # of so many invoices, one is a mismatch
KINDS = ("missing_local", "missing_remote", "amount", "status")
CHANGED: dict[str, dict[str, Any]] = {"amount": {"amount_due_minor": 1}, "status": {"status": "open"}}


class Invoices:
    """Invoices by their number, as Stripe has them; nothing is held."""

    def __init__(self, count: int) -> None:
        self.count = count

    def planted(self, number: int) -> str | None:
        return KINDS[number // EVERY % len(KINDS)] if number % EVERY == EVERY // 2 else None

    def at(self, number: int) -> datetime:
        return BEGAN + timedelta(seconds=number * int(SPAN.total_seconds()) // self.count)

    def one(self, number: int) -> InvoiceSnapshot:
        return InvoiceSnapshot(
            invoice_id=f"in_{number:09}",
            customer_id=CUSTOMER,
            subscription_id=None,
            status="paid",
            currency="usd",
            amount_due_minor=1900,
            amount_paid_minor=1900,
            total_minor=1900,
            created_at=self.at(number),
            account_id=ACCOUNT,
        )

    def before(self, moment: datetime) -> int:
        """How many of them were made up to this moment, it included."""
        seconds = int((moment - BEGAN).total_seconds()) + 1
        return max(0, min(self.count, -(-seconds * self.count // int(SPAN.total_seconds()))))


class Stripe:
    """Its lists and its single objects, computed."""

    def __init__(self, invoices: Invoices, wait_ms: float) -> None:
        self._invoices, self._wait_ms = invoices, wait_ms
        self.pages = 0

    def page(
        self, kind: ObjectKind, *, since: datetime, upto: datetime, after: str | None = None
    ) -> VendorPage:
        self.pages += 1
        time.sleep(self._wait_ms / 1000)
        if kind != "invoice":
            return VendorPage((), more=False)
        first = self._invoices.before(since - timedelta(seconds=1))
        last = int(after[3:]) if after else self._invoices.before(upto)
        found: list[InvoiceSnapshot] = []
        while last > first and len(found) < 100:
            last -= 1
            if self._invoices.planted(last) != "missing_remote":
                found.append(self._invoices.one(last))
        return VendorPage(tuple(found), more=last > first)

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        number = int(id[3:])
        if self._invoices.planted(number) == "missing_remote":
            return None
        return BillingFacts(invoices=(self._invoices.one(number),))

    def account_of(self, customer_id: str) -> str:
        return ACCOUNT


def rows(invoices: Invoices) -> Iterator[dict[str, Any]]:
    """Our copies, with what was planted in them."""
    for number in range(invoices.count):
        kind = invoices.planted(number)
        if kind == "missing_local":
            continue
        row = row_of("invoices", invoices.one(number), ACCOUNT, None) | {"version": 1}
        yield row | CHANGED.get(kind or "", {})


def fill(store: SqliteStore, invoices: Invoices) -> None:
    account = {
        "account_id": ACCOUNT,
        "org_name": "Bench",
        "status": "active",
        "plan": "pro-monthly",
        "signup_id": "su_bench",
        "correlation_id": "cor_bench",
        "created_at": times.text(BEGAN),
        "customer_id": CUSTOMER,
    }
    store.write(Put("accounts", account))
    batch: list[Put] = []
    for row in rows(invoices):
        batch.append(Put("invoices", row))
        if len(batch) == 100:
            store.transact(batch)
            batch = []
    store.transact(batch)
