"""The closer of the payment vendor and the CRM's withdrawal in memory, for tests of the undo steps."""

from dataclasses import dataclass, field

from usher.domain.errors import UsherError
from usher.ports.billing_facts import BillingFacts, PaymentSnapshot
from usher.ports.crm import CrmProfile


@dataclass
class RecordingCloser:
    """Fulfils ports/closing.py; `done` is what was done, in order; refunds raise one of `errors` first."""

    payments: list[PaymentSnapshot] = field(default_factory=list)
    errors: list[UsherError] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def payments_of(self, customer_id: str) -> list[PaymentSnapshot]:
        return [payment for payment in self.payments if payment.customer_id == customer_id]

    def refund(self, payment_id: str, *, correlation_id: str, idempotency_key: str) -> str:
        self.keys.append(idempotency_key)
        if self.errors:
            raise self.errors.pop(0)
        self._note("refund", payment_id)
        return f"re_{payment_id}"

    def void_invoices(self, subscription_id: str) -> None:
        self._note("void_invoices", subscription_id)

    def cancel_subscription(self, subscription_id: str, *, idempotency_key: str) -> BillingFacts | None:
        self._note("cancel_subscription", subscription_id)
        return None

    def delete_customer(self, customer_id: str) -> None:
        self._note("delete_customer", customer_id)

    def mark_closed(self, customer_id: str, *, reason: str) -> None:
        self._note("mark_closed", customer_id)

    def _note(self, what: str, id: str) -> None:
        self.done.append((what, id))


@dataclass
class RecordingWithdrawal:
    """Fulfils CrmWithdrawal of ports/crm.py."""

    profiles: list[CrmProfile] = field(default_factory=list)

    def withdraw(self, profile: CrmProfile, *, correlation_id: str) -> None:
        self.profiles.append(profile)
