"""The payment vendor in memory: idempotency by key, declines and outages on demand, one clock of its own."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from usher.domain.errors import UsherError, VendorRejected
from usher.ports.billing_facts import (
    BillingFacts,
    CreditNoteSnapshot,
    CustomerSnapshot,
    Declined,
    DisputeSnapshot,
    InvoiceLine,
    InvoiceSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
    SubscriptionSnapshot,
)

START = datetime(2025, 11, 21, 12, tzinfo=UTC)


@dataclass
class RecordingBilling:
    """Objects by id; `calls` counts operations, `errors` and `lost_answers` fail the next calls.

    An error in `errors` comes before the call has an effect, one in `lost_answers` after it. `declines`
    holds the answers of the next creates. A key that was used is answered with its first answer, whatever
    became of the object since; with other parameters it is refused, as Stripe does.
    """

    customers: dict[str, CustomerSnapshot] = field(default_factory=dict)
    subscriptions: dict[str, SubscriptionSnapshot] = field(default_factory=dict)
    invoices: dict[str, InvoiceSnapshot] = field(default_factory=dict)
    payments: dict[str, PaymentSnapshot] = field(default_factory=dict)
    refunds: dict[str, RefundSnapshot] = field(default_factory=dict)
    disputes: dict[str, DisputeSnapshot] = field(default_factory=dict)
    credit_notes: dict[str, CreditNoteSnapshot] = field(default_factory=dict)
    of_signup: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    keys: dict[str, tuple[dict[str, Any], Any]] = field(default_factory=dict)
    errors: list[UsherError] = field(default_factory=list)
    lost_answers: list[UsherError] = field(default_factory=list)
    declines: list[Declined] = field(default_factory=list)
    first_payment: str = "succeeded"
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget_keys(self) -> None:
        """A day has passed: no key is remembered."""
        self.keys.clear()

    def create_customer(
        self,
        *,
        account_id: str,
        signup_id: str,
        email: str,
        name: str,
        phone: str | None,
        payment_method: str | None,
        correlation_id: str,
        idempotency_key: str,
        with_fingerprint: bool = False,
    ) -> CustomerSnapshot | Declined:
        parameters = {"account_id": account_id, "email": email, "payment_method": payment_method}

        def create() -> CustomerSnapshot | Declined:
            if self.declines:
                return self.declines.pop(0)
            customer_id = f"cus_{len(self.customers) + 1:04}"
            self.of_signup[customer_id] = signup_id
            customer = CustomerSnapshot(
                customer_id=customer_id,
                account_id=account_id,
                email=email,
                has_payment_method=payment_method is not None,
                card_fingerprint=payment_method if with_fingerprint else None,
            )
            return self.customers.setdefault(customer_id, customer)

        with self._lock:
            answer: CustomerSnapshot | Declined = self._once(
                "create_customer", idempotency_key, parameters, create
            )
        return answer

    def create_subscription(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        plan: str,
        trial_days: int,
        correlation_id: str,
        idempotency_key: str,
        invoice_due_days: int = 0,
        end_without_card: str = "cancel",
    ) -> BillingFacts | Declined:
        parameters = {"customer_id": customer_id, "plan": plan, "trial_days": trial_days}

        def create() -> BillingFacts | Declined:
            if self.declines:
                return self.declines.pop(0)
            number = f"{len(self.subscriptions) + 1:04}"
            self.of_signup[f"sub_{number}"] = signup_id
            self._open(number, customer_id, account_id, plan, trial_days)
            return self._facts(f"sub_{number}")

        with self._lock:
            answer: BillingFacts | Declined = self._once(
                "create_subscription", idempotency_key, parameters, create
            )
        return answer

    def find_customer(self, *, signup_id: str, email: str) -> CustomerSnapshot | None:
        self._begin("find_customer")
        live = (c for c in self.customers.values() if not c.deleted)
        return next((c for c in live if self.of_signup.get(c.customer_id) == signup_id), None)

    def find_subscription(self, *, customer_id: str, signup_id: str) -> BillingFacts | None:
        self._begin("find_subscription")
        for subscription in self.subscriptions.values():
            if self.of_signup.get(subscription.subscription_id) == signup_id:
                return self._facts(subscription.subscription_id)
        return None

    def account_of(self, customer_id: str) -> str | None:
        self._begin("account_of")
        customer = self.customers.get(customer_id)
        return customer.account_id if customer else None

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        self._begin(f"fetch {kind}")
        if kind == "customer" and id in self.customers:
            return BillingFacts(customer=self.customers[id])
        if kind == "subscription" and id in self.subscriptions:
            return self._facts(id)
        if kind == "invoice" and id in self.invoices:
            return BillingFacts(invoices=(self.invoices[id],))
        if kind == "payment_intent" and id in self.payments:
            return BillingFacts(payments=(self.payments[id],))
        if kind == "refund" and id in self.refunds:
            return BillingFacts(refunds=(self.refunds[id],))
        if kind == "dispute" and id in self.disputes:
            return BillingFacts(disputes=(self.disputes[id],))
        if kind == "credit_note" and id in self.credit_notes:
            return BillingFacts(credit_notes=(self.credit_notes[id],))
        return None

    def change(self, id: str, **fields: Any) -> None:
        """What happens at the vendor without us: a field of any object changes."""
        kinds: tuple[dict[str, Any], ...] = (
            self.customers,
            self.subscriptions,
            self.invoices,
            self.payments,
            self.refunds,
            self.disputes,
            self.credit_notes,
        )
        for objects in kinds:
            if id in objects:
                objects[id] = objects[id].model_copy(update=fields)

    def _begin(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.errors:
            raise self.errors.pop(0)

    def _once(self, operation: str, key: str, parameters: dict[str, Any], create: Any) -> Any:
        self._begin(operation)
        if key not in self.keys:
            self.keys[key] = (parameters, create())
        asked, answer = self.keys[key]
        if asked != parameters:
            raise VendorRejected("this key was used with other parameters", code="idempotency_error")
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return answer

    def _open(self, number: str, customer_id: str, account_id: str, plan: str, trial_days: int) -> None:
        waits = self.first_payment != "succeeded" and not trial_days
        status = "trialing" if trial_days else "incomplete" if waits else "active"
        self.subscriptions[f"sub_{number}"] = SubscriptionSnapshot(
            subscription_id=f"sub_{number}",
            customer_id=customer_id,
            plan=plan,
            price_id=f"price_{plan}",
            quantity=1,
            currency="usd",
            amount_minor=1900,
            interval="month",
            interval_count=1,
            status=status,
            current_period_start=START,
            current_period_end=START + timedelta(days=trial_days or 30),
            trial_end=START + timedelta(days=trial_days) if trial_days else None,
            started_at=START,
            account_id=account_id,
        )
        self.invoices[f"in_{number}"] = InvoiceSnapshot(
            invoice_id=f"in_{number}",
            customer_id=customer_id,
            subscription_id=f"sub_{number}",
            status="open" if waits else "paid",
            currency="usd",
            amount_due_minor=0 if trial_days else 1900,
            amount_paid_minor=0 if trial_days or waits else 1900,
            total_minor=0 if trial_days else 1900,
            lines=(
                InvoiceLine(
                    line_id=f"il_{number}",
                    amount_minor=0 if trial_days else 1900,
                    period_start=START,
                    period_end=START + timedelta(days=trial_days or 30),
                    plan=plan,
                ),
            ),
            created_at=START,
        )
        if not trial_days:
            failed = self.first_payment == "failed"
            self.payments[f"pi_{number}"] = PaymentSnapshot(
                payment_id=f"pi_{number}",
                customer_id=customer_id,
                invoice_id=f"in_{number}",
                amount_minor=1900,
                currency="usd",
                status=self.first_payment,
                failure_code="card_declined" if failed else None,
                failure_reason="Your card was declined." if failed else None,
                created_at=START,
            )

    def _facts(self, subscription_id: str) -> BillingFacts:
        subscription = self.subscriptions[subscription_id]
        invoices = tuple(i for i in self.invoices.values() if i.subscription_id == subscription_id)
        of = {invoice.invoice_id for invoice in invoices}
        payments = tuple(p for p in self.payments.values() if p.invoice_id in of)
        return BillingFacts(subscription=subscription, invoices=invoices, payments=payments)
