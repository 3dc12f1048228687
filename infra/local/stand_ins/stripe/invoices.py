"""Invoices from draft to paid or void, and the payments on them."""

from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.http import Answer
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import invoice_object
from infra.local.stand_ins.stripe.account import Account, merge_metadata
from infra.local.stand_ins.stripe.cards import Decline
from infra.local.stand_ins.stripe.customer_balance import CustomerBalance
from infra.local.stand_ins.stripe.errors import StripeError, error_answer, invalid
from infra.local.stand_ins.stripe.invoice_money import InvoiceMoney
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error_fields
from infra.local.stand_ins.stripe.payment_record import payment_record
from infra.local.stand_ins.stripe.payments import PaymentIntents
from infra.local.stand_ins.stripe.resource import PAGE, Route, route, within

HOUR = 3600
_UPDATE = ("metadata", "description", "auto_advance", "default_payment_method")


class Invoices(InvoiceMoney):
    """`/v1/invoices`, and billing on behalf of subscriptions.

    Attributes:
        finalizing: told of each draft that is about to become final (usage is counted once more).
        previews: the last previews, by their ids: their lines can be read, page by page.
    """

    def __init__(
        self, account: Account, methods: PaymentMethods, intents: PaymentIntents, balance: CustomerBalance
    ) -> None:
        super().__init__(account, intents, balance)
        self._methods = methods
        self.finalizing: Callable[[Object], None] = lambda invoice: None
        self.previews: dict[str, Object] = {}

    def routes(self) -> dict[str, Route]:
        path = "/v1/invoices"
        filters = ("customer", "subscription", "status", "collection_method")
        return {
            f"GET {path}": route(self.list_all, PAGE, filters),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _UPDATE),
            f"GET {path}/{{id}}/lines": route(self.lines, PAGE),
            f"POST {path}/{{id}}/finalize": route(self.finalize, "auto_advance"),
            f"POST {path}/{{id}}/pay": route(self.pay, "payment_method", "off_session", "paid_out_of_band"),
            f"POST {path}/{{id}}/send": route(self.send),
            f"POST {path}/{{id}}/void": route(self.void),
            f"POST {path}/{{id}}/mark_uncollectible": route(self.mark_uncollectible),
        }

    # -- reading ---------------------------------------------------------------------------------

    def list_all(self, params: dict[str, Any]) -> Object:
        def wanted(invoice: Object) -> bool:
            return all(
                invoice[name] == params[name] for name in ("status", "collection_method") if name in params
            )

        owner, label = params.get("customer"), params.get("subscription")
        return self.listing("invoice", params, "/v1/invoices", owner=owner, label=label, where=wanted)

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("invoice", params, "/v1/invoices/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("invoice", id)

    def lines(self, params: dict[str, Any], id: str) -> Object:
        """Those of a preview too."""
        lines = (self.previews.get(id) or self.account.need("invoice", id))["lines"]
        return within(lines["data"], params, lines["url"])

    # -- what a caller may do --------------------------------------------------------------------

    def update(self, params: dict[str, Any], id: str) -> Object:
        invoice = self.account.need("invoice", id)
        changes = {name: params[name] for name in _UPDATE if name in params}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(invoice["metadata"], params["metadata"])
        return self.account.update(invoice, changes, "invoice.updated")

    def finalize(self, params: dict[str, Any], id: str) -> Object:
        invoice = self._of_now(id)
        if invoice["status"] != "draft":
            raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
        self.issue(invoice)
        return invoice

    def pay(self, params: dict[str, Any], id: str) -> Object | Answer:
        invoice = self._of_now(id)
        if invoice["status"] == "paid":
            raise StripeError(400, "Invoice is already paid", code="invoice_already_paid")
        if invoice["status"] not in ("draft", "open", "uncollectible"):
            raise invalid(f"Invoice is {invoice['status']} and can no longer be paid")
        if invoice["status"] == "draft":
            self.issue(invoice)
        if params.get("paid_out_of_band"):
            amount, customer = invoice["amount_remaining"], {"customer": invoice["customer"]}
            record = payment_record(amount, invoice["currency"], self.account.now(), customer)
            self.take_record(invoice, self.account.save(record))
            return invoice
        customer = self.account.need("customer", invoice["customer"])
        method = params.get("payment_method")
        if method:
            method = self._methods.usable_by(customer, method, param="payment_method")["id"]
        decline = self.collect(invoice, customer, method, off_session=bool(params.get("off_session")))
        if decline:
            return error_answer(402, decline.message, **card_error_fields(decline))
        return self.account.need("invoice", id)

    def send(self, params: dict[str, Any], id: str) -> Object:
        """Sends it again, or a draft for the first time."""
        invoice = self._of_now(id)
        if invoice["status"] == "draft":
            self.issue(invoice)
        if invoice["status"] not in ("open", "uncollectible"):
            raise invalid(f"Only open invoices can be sent; this one is {invoice['status']}")
        self.account.emit("invoice.sent", invoice)
        return invoice

    def void(self, params: dict[str, Any], id: str) -> Object:
        invoice = self._of_now(id)
        if invoice["status"] not in ("open", "uncollectible"):
            raise invalid(
                f"You can only pass in open or uncollectible invoices; this one is {invoice['status']}"
            )
        if self.on_its_way(invoice):
            raise invalid("This invoice has a payment that is processing; it cannot be voided now.")
        return self.void_invoice(invoice)

    def mark_uncollectible(self, params: dict[str, Any], id: str) -> Object:
        invoice = self._of_now(id)
        if invoice["status"] != "open":
            raise invalid(
                f"You can only mark open invoices as uncollectible; this one is {invoice['status']}"
            )
        return self.give_up(invoice)

    # -- billing ---------------------------------------------------------------------------------

    def issue(self, invoice: Object) -> None:
        """Finalize a draft: it gets its number, its page and, when money is due, its payment intent.

        What the customer has to their credit is used first.
        """
        account = self.account
        customer = account.need("customer", invoice["customer"])
        self.finalizing(invoice)
        self._balance.apply(invoice, customer)
        number = customer["next_invoice_sequence"]
        customer["next_invoice_sequence"] = number + 1
        account.save(customer)
        url = f"{account.base_url}/invoice/{invoice['id']}"
        invoice |= {"number": f"{customer['invoice_prefix']}-{number:04d}", "hosted_invoice_url": url}
        invoice |= {"status": "open", "effective_at": account.now()}
        invoice |= {"invoice_pdf": f"{url}/pdf", "automatically_finalizes_at": None}
        invoice["status_transitions"]["finalized_at"] = account.now()
        sends = invoice["collection_method"] == "send_invoice" and invoice["amount_due"] > 0
        account.set_timer(invoice, invoice["due_date"] if sends else None)
        account.save(invoice, "invoice.finalized", "invoice.sent" if sends else None)
        if invoice["amount_due"] > 0:
            intent = self._intents.open(
                invoice["amount_due"],
                invoice["currency"],
                customer,
                {"description": invoice_object.describe(invoice)},
            )
            paid_by = {"payment_intent": intent["id"]}
            account.save(invoice_object.payment(invoice, paid_by, invoice["amount_due"], account.now()))
            account.save(intent, "payment_intent.created")

    def collect(
        self, invoice: Object, customer: Object, method: str | None = None, *, off_session: bool = False
    ) -> Decline | None:
        """Try to be paid: with `method`, or the subscription's default, or the customer's.

        Returns the decline, if any. Raises StripeError 400 when there is nothing to charge.
        """
        if invoice["amount_due"] == 0:
            self.close(invoice, paid=0)
            return None
        chosen = method or self.default_method(invoice, customer)
        if chosen is None:
            message = (
                "Cannot charge customer that has no active card; add a payment method to the customer first."
            )
            raise StripeError(400, message, code="missing")
        intent = self.intent_of(invoice)
        assert intent is not None
        intent["payment_method"] = chosen
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        self.account.save(invoice)
        return self._intents.attempt(intent, off_session=off_session)

    def default_method(self, invoice: Object, customer: Object) -> str | None:
        """The payment method an automatic charge would take."""
        parent = invoice["parent"]
        id = parent["subscription_details"]["subscription"] if parent else None
        subscription = self.account.find("subscription", id) or {}
        settings = customer["invoice_settings"]
        candidates = (invoice["default_payment_method"], subscription.get("default_payment_method"))
        chosen: str | None = next(filter(None, candidates), settings["default_payment_method"])
        return chosen

    def discard(self, invoice: Object) -> None:
        """Delete a draft."""
        self.account.set_timer(invoice, None)
        self.account.state.delete("invoice", invoice["id"])
        self.account.emit("invoice.deleted", invoice)

    def time_passed(self, id: str) -> None:
        """A renewal's draft is an hour old, or an invoice that was sent has become due (timer)."""
        invoice = self.account.need("invoice", id)
        self.account.set_timer(invoice, None)
        if invoice["status"] == "draft":
            self.bill(invoice)
        elif invoice["status"] == "open" and not self.on_its_way(invoice):
            self.account.emit("invoice.overdue", invoice)
            self.settled(invoice, "overdue")

    def bill(self, invoice: Object) -> None:
        """Finalize a draft and charge what it asks for, or send it."""
        customer = self.account.need("customer", invoice["customer"])
        paused = self._pause_of_collection(invoice)
        if paused == "keep_as_draft":
            self.account.set_timer(invoice, None)
            invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
            self.account.save(invoice, "invoice.updated")
            return
        self.issue(invoice)
        if paused == "void":
            self.void_invoice(invoice)
        elif paused == "mark_uncollectible":
            self.give_up(invoice)
        elif invoice["collection_method"] != "send_invoice":
            self._charge(invoice, customer)

    def _charge(self, invoice: Object, customer: Object) -> None:
        if invoice["amount_due"] and self.default_method(invoice, customer) is None:
            invoice |= {"attempted": True, "attempt_count": 1}
            self.account.save(invoice, "invoice.payment_failed")
            self.settled(invoice, "failed")
        else:
            self.collect(invoice, customer, off_session=False)

    def _pause_of_collection(self, invoice: Object) -> str | None:
        """What a pause of the subscription's payment collection does to its invoices, if there is one.

        Source: docs.stripe.com/billing/subscriptions/pause-payment.
        """
        parent = invoice["parent"]
        id = parent["subscription_details"]["subscription"] if parent else None
        pause = (self.account.find("subscription", id) or {}).get("pause_collection")
        return str(pause["behavior"]) if pause else None

    def _of_now(self, id: str) -> Object:
        invoice = self.account.need("invoice", id)
        if customer := self.account.find("customer", invoice["customer"]):
            self.account.use_clock_of(customer)
        return invoice
