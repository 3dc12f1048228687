"""Money that came past the payment vendor: how the vendor is told, so that its invoices are right."""

from datetime import datetime
from typing import Protocol

from usher.ports.billing_facts import BillingFacts


class OutsideMoney(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def invoice(self, invoice_id: str) -> BillingFacts | None:
        """The invoice as it is now; None when the vendor has none of this id."""

    def report(
        self,
        *,
        customer_id: str,
        amount_minor: int,
        currency: str,
        received_at: datetime,
        reference: str,
        offline_payment_id: str,
        since: datetime,
        idempotency_key: str,
    ) -> str:
        """Tell the vendor of money that came; returns the id under which it knows the payment.

        It is looked for first among those reported after `since`: the key may be forgotten by now.
        """

    def attach(
        self, invoice_id: str, payment_id: str, *, received_at: datetime, idempotency_key: str
    ) -> BillingFacts:
        """Count a reported payment towards an open invoice, which is paid when nothing is left of it.

        Doing it again is no error. The facts hold the invoice and the payment, whose method is `offline`.
        """
