"""The pages a customer sees: pay an invoice, confirm a payment with the bank. Plain HTML, no script."""

from typing import Any

from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.errors import StripeError, missing
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.pages import (
    form_of,
    lines,
    money,
    page,
    paragraph,
    payment_method_field,
)
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods
from infra.local.stand_ins.stripe.payments import PaymentIntents
from infra.local.stand_ins.stripe.setup_intents import SetupIntents


class HostedPages:
    """`hosted_invoice_url`, and the bank's page of a payment that asks for authentication."""

    def __init__(
        self,
        account: Account,
        methods: PaymentMethods,
        invoices: Invoices,
        intents: PaymentIntents,
        setups: SetupIntents,
    ) -> None:
        self._account, self._methods = account, methods
        self._invoices, self._intents, self._setups = invoices, intents, setups

    def routes(self) -> dict[str, Handler]:
        """Routes of the pages; they ask for no key."""
        return {
            "GET /invoice/{id}": self._show_invoice,
            "POST /invoice/{id}": self._pay_invoice,
            "GET /authenticate/{id}": self._show_authentication,
            "POST /authenticate/{id}": self._authenticate,
        }

    def complete(self, id: str, outcome: str | None) -> Object:
        """The customer answers the bank: "succeed" (when left out) or "fail"."""
        if outcome not in (None, "succeed", "fail"):
            raise ValueError(f"outcome is succeed or fail, not {outcome!r}")
        succeeds = outcome != "fail"
        if id.startswith("seti_"):
            intent = self._account.need("setup_intent", id)
            self._use_clock(intent)
            return self._setups.authenticate(intent, succeeds=succeeds)
        intent = self._account.need("payment_intent", id)
        self._use_clock(intent)
        return self._intents.authenticate(intent, succeeds=succeeds)

    def _use_clock(self, value: Object) -> None:
        if customer := self._account.find("customer", value["customer"]):
            self._account.use_clock_of(customer)

    # -- the invoice -----------------------------------------------------------------------------

    def _show_invoice(self, request: Request) -> Answer:
        return self._invoice_page(self._account.need("invoice", request.path_params["id"]))

    def _invoice_page(self, invoice: Object, notice: str = "") -> Answer:
        body = paragraph(notice) + lines(invoice["lines"]["data"], "amount")
        if off := invoice["subtotal"] - invoice["total"]:
            body += paragraph(f"Discount: {money(off, invoice['currency'])}")
        intent = self._invoices.intent_of(invoice)
        if invoice["status"] == "open" and intent and intent["status"] == "processing":
            body += paragraph("Your payment is on its way.")
        elif invoice["status"] == "open":
            waits = intent is not None and intent["status"] == "requires_action"
            field = "" if waits else payment_method_field()
            body += f"<form method='post'>{field}<button>Pay</button></form>"
        else:
            body += paragraph(f"This invoice is {invoice['status']}.")
        return page(f"Invoice {invoice['number']}: {money(invoice['amount_due'], invoice['currency'])}", body)

    def _pay_invoice(self, request: Request) -> Answer:
        invoice = self._account.need("invoice", request.path_params["id"])
        customer = self._account.need("customer", invoice["customer"])
        self._account.use_clock_of(customer)
        intent = self._invoices.intent_of(invoice)
        if invoice["status"] != "open" or intent is None:
            return self._invoice_page(invoice)
        if intent["status"] == "requires_action":
            self._intents.authenticate(intent, succeeds=True)
            return self._invoice_page(self._account.need("invoice", invoice["id"]), "Thank you.")
        if intent["status"] == "processing":
            return self._invoice_page(invoice)
        wanted = form_of(request).get("payment_method") or "pm_card_visa"
        try:
            method = self._methods.attach_to(customer, wanted, param="payment_method")
        except StripeError as error:
            return self._invoice_page(invoice, error.answer.json()["error"]["message"])
        self._make_default(invoice, method)
        decline = self._invoices.collect(invoice, customer, method["id"])
        fresh = self._account.need("invoice", invoice["id"])
        if decline:
            return self._invoice_page(fresh, decline.message)
        after = self._invoices.intent_of(fresh)
        asked = after is not None and after["status"] == "requires_action"
        return self._invoice_page(
            fresh, "Your bank asks you to confirm this payment." if asked else "Thank you."
        )

    def _make_default(self, invoice: Object, method: Object) -> None:
        parent = invoice["parent"] or {"subscription_details": {"subscription": None}}
        subscription = self._account.find("subscription", parent["subscription_details"]["subscription"])
        if subscription and not subscription["default_payment_method"]:
            changes = {"default_payment_method": method["id"]}
            self._account.update(subscription, changes, "customer.subscription.updated")

    # -- the bank --------------------------------------------------------------------------------

    def _show_authentication(self, request: Request) -> Answer:
        id = request.path_params["id"]
        kind = "setup_intent" if id.startswith("seti_") else "payment_intent"
        intent = self._account.find(kind, id)
        if intent is None:
            raise missing(kind, id)
        if intent["status"] != "requires_action":
            return page("Your bank", paragraph(f"Nothing to confirm: {intent['status']}."))
        buttons = "".join(f"<button name='outcome' value='{o}'>{o}</button> " for o in ("succeed", "fail"))
        return page("Your bank asks: is this you?", f"<form method='post'>{buttons}</form>")

    def _authenticate(self, request: Request) -> Answer:
        outcome = form_of(request).get("outcome", "succeed")
        intent: dict[str, Any] = self.complete(
            request.path_params["id"], outcome if outcome == "fail" else None
        )
        return page("Your bank", paragraph(f"Done: {intent['status']}."))
