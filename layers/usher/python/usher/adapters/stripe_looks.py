"""Looking at one object of Stripe's: in one call where Stripe allows it, with all that hangs on it."""

from collections.abc import Callable, Iterable
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_fields import id_of
from usher.adapters.stripe_invoices import complete, line_prices
from usher.adapters.stripe_prices import Price, Prices, price_of
from usher.adapters.stripe_reversals import credit_note_of, dispute_of, refund_of
from usher.adapters.stripe_snapshots import charge_facts, customer_of, facts_of, invoice_of, payment_of
from usher.adapters.stripe_subscriptions import next_price
from usher.domain.errors import VendorRejected
from usher.ports.billing_facts import BillingFacts

# Stripe expands four levels at most: the PaymentIntent of a latest invoice would be a fifth.
FACTS = ["latest_invoice.payments", "discounts.source.coupon", "schedule"]
_INVOICE = ["payments.data.payment.payment_intent"]
_PAYMENT = ["latest_charge.balance_transaction"]  # the fee costs no call of its own
_CHARGE = ["payment_intent", "balance_transaction", "refunds"]
_REFUND = ["charge.payment_intent", "charge.balance_transaction"]
_DISPUTE = ["charge"]
_CREDIT_NOTE = ["invoice.payments"]


class StripeLooks:
    """Fetches what an event speaks of. Prices that lines name by their ids are asked for once per process."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls
        self._prices: dict[str, Price] = {}

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        """Its present state; None when there is no such object."""
        look = self._looks.get(kind)
        if look is None:
            raise ValueError(f"billing follows no objects of kind {kind}")
        try:
            return look(id)
        except VendorRejected as error:
            if error.status == 404:
                return None
            raise

    @property
    def _looks(self) -> dict[str, Callable[[str], BillingFacts]]:
        return {
            "customer": self._customer,
            "subscription": self._subscription,
            "invoice": self._invoice,
            "payment_intent": self._payment,
            "charge": self._charge,
            "refund": self._refund,
            "dispute": self._dispute,
            "credit_note": self._credit_note,
        }

    def _customer(self, id: str) -> BillingFacts:
        return BillingFacts(customer=customer_of(self._get(f"/v1/customers/{id}")))

    def _subscription(self, id: str) -> BillingFacts:
        found = self._get(f"/v1/subscriptions/{id}", FACTS)
        invoice = found.get("latest_invoice") or {}
        complete(invoice, self._calls)
        for item in found["items"]["data"]:
            self._prices[item["price"]["id"]] = price_of(item["price"])
        coming = next_price(found)
        named = [*line_prices(invoice), *([coming] if coming else [])]
        return self.with_reason(facts_of(found, self._known(named)))

    def _invoice(self, id: str) -> BillingFacts:
        return self._invoice_facts(self._get(f"/v1/invoices/{id}", _INVOICE))

    def _invoice_facts(self, invoice: dict[str, Any]) -> BillingFacts:
        complete(invoice, self._calls)
        return invoice_of(invoice, self._known(line_prices(invoice)))

    def _payment(self, id: str) -> BillingFacts:
        found = self._get(f"/v1/payment_intents/{id}", _PAYMENT)
        return BillingFacts(payments=(payment_of(found, invoice_id=self._invoice_paid_by(id)),))

    def _charge(self, id: str) -> BillingFacts:
        return self._with_invoices(charge_facts(self._get(f"/v1/charges/{id}", _CHARGE)))

    def _with_invoices(self, facts: BillingFacts) -> BillingFacts:
        """The facts with each payment's invoice named."""
        payments = tuple(
            each.model_copy(update={"invoice_id": self._invoice_paid_by(each.payment_id)})
            for each in facts.payments
        )
        return facts.model_copy(update={"payments": payments})

    def _invoice_paid_by(self, payment_id: str) -> str | None:
        """The invoice that a PaymentIntent pays: it does not say so itself (Stripe changelog, 2025-03-31).

        Asked for at once: what the ledger posts of a payment depends on it, and an event is told only once.
        """
        by = {"type": "payment_intent", "payment_intent": payment_id}
        found = self._calls.call("get", "/v1/invoice_payments", {"payment": by, "limit": 1})["data"]
        return id_of(found[0]["invoice"]) if found else None

    def _refund(self, id: str) -> BillingFacts:
        """With its payment, of which it says how much went back."""
        found = self._get(f"/v1/refunds/{id}", _REFUND)
        charge = found.get("charge")
        if charge is None:
            return BillingFacts(refunds=(refund_of(found),))
        refund = refund_of(found, customer_id=id_of(charge.get("customer")))
        payments = self._with_invoices(charge_facts(charge)).payments
        return BillingFacts(refunds=(refund,), payments=payments)

    def _dispute(self, id: str) -> BillingFacts:
        return BillingFacts(disputes=(dispute_of(self._get(f"/v1/disputes/{id}", _DISPUTE)),))

    def _credit_note(self, id: str) -> BillingFacts:
        """With its invoice, of which it says what remains."""
        found = self._get(f"/v1/credit_notes/{id}", _CREDIT_NOTE)
        facts = self._invoice_facts(found["invoice"])
        return BillingFacts(credit_notes=(credit_note_of(found),), invoices=facts.invoices)

    def with_reason(self, facts: BillingFacts) -> BillingFacts:
        """The facts with each open payment as Stripe knows it: only the PaymentIntent says why it is open."""
        payments = tuple(
            payment_of(
                self._get(f"/v1/payment_intents/{payment.payment_id}", _PAYMENT),
                invoice_id=payment.invoice_id,
            )
            if payment.status == "processing" and payment.method != "offline"
            else payment
            for payment in facts.payments
        )
        return facts.model_copy(update={"payments": payments})

    def _known(self, ids: Iterable[str]) -> Prices:
        for id in set(ids) - self._prices.keys():
            try:
                self._prices[id] = price_of(self._get(f"/v1/prices/{id}"))
            except VendorRejected as error:
                if error.status != 404:
                    raise
                self._prices[id] = Price()
        return self._prices

    def _get(self, path: str, expand: list[str] | None = None) -> dict[str, Any]:
        return self._calls.call("get", path, {"expand": expand} if expand else None)
