"""What money does to an invoice: it comes in part or whole, from inside or outside, or is given up."""

from collections.abc import Callable
from typing import Any, Literal

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import invoice_object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.customer_balance import CustomerBalance
from infra.local.stand_ins.stripe.payments import PaymentIntents
from infra.local.stand_ins.stripe.resource import Resource

Outcome = Literal["paid", "requires_action", "failed", "overdue"]
_ENDED = ("succeeded", "canceled")


class InvoiceMoney(Resource):
    """The part of the invoices that their payments, payment records and credit notes move.

    Attributes:
        settled: told (invoice, outcome) when an invoice was paid or an attempt failed (subscriptions listen).
    """

    def __init__(self, account: Account, intents: PaymentIntents, balance: CustomerBalance) -> None:
        super().__init__(account)
        self._intents, self._balance = intents, balance
        self.settled: Callable[[Object, Outcome], None] = lambda invoice, outcome: None
        intents.listeners.append(self._intent_settled)

    def intent_of(self, invoice: Object) -> Object | None:
        """The invoice's payment intent; None when it never needed one."""
        payment = self._default_payment(invoice)
        return self.account.find("payment_intent", payment["payment"]["payment_intent"]) if payment else None

    def on_its_way(self, invoice: Object) -> bool:
        """Whether a bank debit for this invoice is under way: it can be neither stopped nor forgotten."""
        intent = self.intent_of(invoice)
        return intent is not None and intent["status"] == "processing"

    def take_record(self, invoice: Object, record: Object) -> None:
        """Money that came outside of Stripe counts towards the invoice; what is left is asked for.

        What is more than was left goes to the customer's credit balance.
        """
        account, amount = self.account, record["amount"]["value"]
        due = invoice["amount_remaining"]
        taken = min(amount, due)
        payment = invoice_object.payment(invoice, {"payment_record": record["id"]}, taken, account.now())
        payment |= {"status": "paid", "amount_paid": taken}
        payment["status_transitions"]["paid_at"] = account.now()
        account.save(payment, "invoice_payment.paid")
        invoice["amount_paid"] += taken
        if amount > due:
            invoice["amount_overpaid"] += amount - due
            customer = account.need("customer", invoice["customer"])
            self._balance.move(
                customer, due - amount, invoice["currency"], "invoice_overpaid", invoice=invoice["id"]
            )
        self._ask_for(invoice, due - taken)

    def lower(self, invoice: Object, amount: int) -> None:
        """A credit note takes `amount` off what is still owed."""
        invoice["amount_due"] -= amount
        invoice["pre_payment_credit_notes_amount"] += amount
        self._ask_for(invoice, invoice["amount_remaining"] - amount)

    def raise_again(self, invoice: Object, amount: int) -> None:
        """A credit note of an open invoice is void: what it took off is owed again."""
        invoice["amount_due"] += amount
        invoice["pre_payment_credit_notes_amount"] -= amount
        self._ask_for(invoice, invoice["amount_remaining"] + amount)

    def _ask_for(self, invoice: Object, left: int) -> None:
        """`left` is still owed: the payment asks for so much, and nothing is left of one that is paid."""
        default, intent = self._default_payment(invoice), self.intent_of(invoice)
        open_ = default is not None and intent is not None and intent["status"] not in _ENDED
        if left:
            invoice["amount_remaining"] = left
            self.account.save(invoice, "invoice.updated")
            if open_ and default and intent:
                self.account.update(default, {"amount_requested": left}, None)
                self.account.update(intent, {"amount": left}, None)
            return
        if open_ and default and intent:
            self._cancel_payment(default)
            self._intents.cancel_intent(intent, "automatic")
        self.close(invoice, paid=invoice["amount_paid"])

    def void_invoice(self, invoice: Object) -> Object:
        """Void an open invoice and cancel its payment."""
        self._mark(
            invoice, "voided_at", {"status": "void", "auto_advance": False, "next_payment_attempt": None}
        )
        self._balance.take_back(invoice)
        intent = self.intent_of(invoice)
        if intent and intent["status"] not in _ENDED:
            self._intents.cancel_intent(intent, "void_invoice")
        if payment := self._default_payment(invoice):
            self._cancel_payment(payment)
        return self.account.save(invoice, "invoice.voided")

    def give_up(self, invoice: Object) -> Object:
        """Nothing more is expected of an open invoice, though it can still be paid."""
        self._mark(invoice, "marked_uncollectible_at", {"status": "uncollectible", "auto_advance": False})
        return self.account.save(invoice, "invoice.marked_uncollectible")

    def close(self, invoice: Object, *, paid: int) -> None:
        """Nothing is owed any more; `paid` minor units came in."""
        changes = {"status": "paid", "amount_paid": paid, "amount_remaining": 0, "auto_advance": False}
        self._mark(invoice, "paid_at", changes | {"attempted": True, "next_payment_attempt": None})
        self.account.save(invoice, "invoice.paid", "invoice.payment_succeeded")
        self.settled(invoice, "paid")

    def _intent_settled(self, intent: Object) -> None:
        payments = self.account.state.page("invoice_payment", label=intent["id"], limit=1)
        if not payments:
            return
        payment = payments[0]
        invoice = self.account.need("invoice", payment["invoice"])
        if intent["status"] == "succeeded":
            payment |= {"status": "paid", "amount_paid": intent["amount_received"]}
            payment["status_transitions"]["paid_at"] = self.account.now()
            self.account.save(payment, "invoice_payment.paid")
            self.close(invoice, paid=invoice["amount_paid"] + intent["amount_received"])
        elif intent["status"] == "requires_action":
            self.account.emit("invoice.payment_action_required", invoice)
            self.settled(invoice, "requires_action")
        else:
            self.account.emit("invoice.payment_failed", invoice)
            self.settled(invoice, "failed")

    def _default_payment(self, invoice: Object) -> Object | None:
        """The payment by intent, which an invoice has when money was due at its finalization."""
        payments = self.account.state.page("invoice_payment", owner=invoice["id"])
        return next((payment for payment in payments if payment["is_default"]), None)

    def _cancel_payment(self, payment: Object) -> None:
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = self.account.now()
        self.account.save(payment)

    def _mark(self, invoice: Object, transition: str, changes: dict[str, Any]) -> None:
        invoice |= changes
        invoice["status_transitions"][transition] = self.account.now()
