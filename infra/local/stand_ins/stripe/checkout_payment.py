"""How an open Checkout Session is paid, completes or expires."""

from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.http import Answer
from infra.local.stand_ins.stand_in import Refusal
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import checkout_object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.checkout_discounts import CheckoutDiscounts, wanted
from infra.local.stand_ins.stripe.checkout_notes import note_of, order_of
from infra.local.stand_ins.stripe.customers import Customers
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.line_items import LineItems
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error
from infra.local.stand_ins.stripe.payments import PaymentIntents, last_decline
from infra.local.stand_ins.stripe.setup_intents import SetupIntents
from infra.local.stand_ins.stripe.subscriptions import Subscriptions


class CheckoutPayment:
    """Pays sessions and follows their payments.

    A payment's listener completes the session, so that one the bank confirms later ends as one that is paid
    at once. A declined card leaves the session open.

    Attributes:
        completed: told of every session that completed (payment links count them).
    """

    def __init__(
        self,
        account: Account,
        items: LineItems,
        methods: PaymentMethods,
        customers: Customers,
        subscriptions: Subscriptions,
        invoices: Invoices,
        intents: PaymentIntents,
        setups: SetupIntents,
        discounts: CheckoutDiscounts,
    ) -> None:
        self._account, self._items, self._methods = account, items, methods
        self._customers, self._subscriptions, self._invoices = customers, subscriptions, invoices
        self._intents, self._setups, self._discounts = intents, setups, discounts
        self.completed: Callable[[Object], None] = lambda session: None
        intents.listeners.append(self.payment_moved)
        setups.listeners.append(self._setup_moved)

    # -- what the customer does ------------------------------------------------------------------

    def pay(self, session: Object, form: dict[str, str]) -> Object:
        """The customer presses the button; returns the session, which is `open` still when the bank asks.

        Args:
            form: `payment_method` (a test id), `email`, `name`, `phone`, `promotion_code`, as typed.

        Raises:
            Refusal: the card is declined or the form lacks something; only a failed intent stays.
        """
        if session["status"] != "open":
            raise invalid(f"This Checkout Session is {session['status']}; it cannot be paid.")
        account = self._account
        form = form | {"email": session["customer_email"] or form.get("email") or ""}
        customer = account.find("customer", session["customer"])
        if session["customer"] and (customer is None or customer.get("deleted")):
            raise invalid(f"No such customer: '{session['customer']}'", code="resource_missing")
        if customer:
            account.use_clock_of(customer)
        if not (customer or {}).get("email") and not form["email"]:
            raise invalid("Please enter your e-mail address.", param="email")
        if session["phone_number_collection"]["enabled"] and not form.get("phone"):
            raise invalid("Please enter your phone number.", param="phone")
        if code := form.get("promotion_code"):
            self._discounts.type(session, code)
        pay = {"subscription": self._subscribe, "payment": self._pay_once, "setup": self._set_up}
        return pay[session["mode"]](session, customer, form)

    def _subscribe(self, session: Object, customer: Object | None, form: dict[str, str]) -> Object:
        account, order = self._account, self._order(session)
        if (held := account.find("subscription", order.get("pending"))) and held["status"] == "incomplete":
            return self._pay_again(session, held, form)
        with account.state.savepoint():  # a declined card leaves no customer and no subscription behind
            customer = customer or self._new_customer(form)
            self._know(session, customer, form)
            params: dict[str, Any] = dict(order.get("subscription_data", {}))
            params |= {"customer": customer["id"], "items": self._subscription_items(session)}
            params["discounts"] = wanted(session)
            if typed := self._wanted_method(session, params, form):
                method = self._methods.attach_to(customer, typed, param="payment_method")
                params["default_payment_method"] = method["id"]
            subscription = self._subscriptions.create(params)
            account.state.keep_note(note_of(subscription["id"]), session["id"])
            intent = self._intent_of(subscription)
            if intent and intent["status"] == "requires_payment_method" and typed:
                raise card_error(last_decline(intent))
        self._keep_pending(session, subscription)
        if intent:
            account.state.keep_note(note_of(intent["id"]), session["id"])
            self.payment_moved(intent)
        elif setup := account.find("setup_intent", subscription["pending_setup_intent"]):
            account.state.keep_note(note_of(setup["id"]), session["id"])
            account.save(session)
        else:
            self._complete(session, "no_payment_required", subscription=subscription)
        return self._fresh(session)

    def _pay_again(self, session: Object, subscription: Object, form: dict[str, str]) -> Object:
        """The bank refused the first card: the same subscription is tried with another one."""
        customer = self._account.need("customer", subscription["customer"])
        method = self._methods.attach_to(customer, _method(form), param="payment_method")
        changes = {"default_payment_method": method["id"]}
        self._account.update(subscription, changes, "customer.subscription.updated")
        invoice = self._account.need("invoice", subscription["latest_invoice"])
        decline = self._invoices.collect(invoice, customer, method["id"])
        if decline:
            raise card_error(decline)
        intent = self._intent_of(subscription)
        if intent:
            self.payment_moved(intent)
        return self._fresh(session)

    def _pay_once(self, session: Object, customer: Object | None, form: dict[str, str]) -> Object:
        account, order = self._account, self._order(session)
        data = order.get("payment_intent_data", {})
        intent = account.find("payment_intent", session["payment_intent"])
        if customer is None and (session["customer_creation"] == "always" or "setup_future_usage" in data):
            customer = self._new_customer(form)
        self._know(session, customer, form)
        if not session["amount_total"]:
            self._complete(session, "no_payment_required")
            return session
        if intent is None:
            intent = self._intents.open(session["amount_total"], session["currency"], customer, data)
            session["payment_intent"] = intent["id"]
            account.state.keep_note(note_of(intent["id"]), session["id"])
            account.save(intent, "payment_intent.created")
        account.save(session)
        self._intents.take_method(intent, _method(form))
        self._intents.attempt(intent)
        self.payment_moved(intent)
        return self._fresh(session)

    def _set_up(self, session: Object, customer: Object | None, form: dict[str, str]) -> Object:
        account = self._account
        data = self._order(session).get("setup_intent_data", {})
        customer = customer or self._new_customer(form)
        self._know(session, customer, form)
        method = self._methods.for_intent(_method(form))
        setup = self._setups.open(customer, method, data)
        session["setup_intent"] = setup["id"]
        account.state.keep_note(note_of(setup["id"]), session["id"])
        account.save(session)
        refused = self._setups.attempt(setup)
        if isinstance(refused, Answer):
            raise Refusal(refused)
        return self._fresh(session)

    def waits_for_bank(self, session: Object) -> Object | None:
        """The intent that the customer still has to confirm with the bank, if any."""
        if session["status"] != "open":
            return None
        find, pending = self._account.find, self._order(session).get("pending")
        subscription = find("subscription", pending)
        held = [
            find("payment_intent", session["payment_intent"]),
            find("setup_intent", session["setup_intent"]),
        ]
        if subscription:
            held += [
                self._intent_of(subscription),
                find("setup_intent", subscription["pending_setup_intent"]),
            ]
        return next((intent for intent in held if intent and intent["status"] == "requires_action"), None)

    # -- what comes of it ------------------------------------------------------------------------

    def payment_moved(self, intent: Object) -> None:
        """A payment intent succeeded, failed, or is on its way: complete or settle its session, if any."""
        id = self._account.state.note(note_of(intent["id"]))
        if id is None:
            return
        session, status = self._account.need("checkout.session", id), intent["status"]
        if session["status"] == "open" and status in ("succeeded", "processing"):
            self._complete(session, "paid" if status == "succeeded" else "unpaid", intent=intent)
        elif session["status"] == "complete" and session["payment_status"] == "unpaid":
            if status == "succeeded":
                session["payment_status"] = "paid"
                self._account.save(session, "checkout.session.async_payment_succeeded")
            elif status == "requires_payment_method":
                self._account.save(session, "checkout.session.async_payment_failed")

    def expire(self, session: Object) -> Object:
        """End an open session: what it began and nobody paid ends with it."""
        account = self._account
        session |= {"status": "expired", "url": None}
        account.set_timer(session, None)
        subscription = account.find("subscription", self._order(session).get("pending"))
        if subscription and subscription["status"] == "incomplete":
            self._subscriptions.give_up(subscription)
        intent = account.find("payment_intent", session["payment_intent"])
        if intent and intent["status"] not in ("succeeded", "canceled", "processing"):
            self._intents.cancel_intent(intent, "abandoned")
        return account.save(session, "checkout.session.expired")

    def time_passed(self, id: str) -> None:
        """The session's timer struck."""
        session = self._account.need("checkout.session", id)
        if session["status"] == "open":
            self.expire(session)

    def _setup_moved(self, setup: Object) -> None:
        id = self._account.state.note(note_of(setup["id"]))
        session = self._account.find("checkout.session", id)
        if session and session["status"] == "open" and setup["status"] == "succeeded":
            pending = self._account.find("subscription", self._order(session).get("pending"))
            self._complete(session, "no_payment_required", subscription=pending)

    def _complete(
        self,
        session: Object,
        payment_status: str,
        *,
        subscription: Object | None = None,
        intent: Object | None = None,
    ) -> None:
        account = self._account
        pending = self._order(session).get("pending")
        subscription = subscription or account.find("subscription", pending)
        if subscription:
            session |= {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
        elif intent:
            session["payment_intent"] = intent["id"]
        if session["mode"] == "payment" and session["discounts"]:
            self._discounts.redeem(session)
        session |= {"status": "complete", "payment_status": payment_status, "url": None}
        account.set_timer(session, None)
        account.save(session, "checkout.session.completed")
        self.completed(session)

    # -- parts -----------------------------------------------------------------------------------

    def _know(self, session: Object, customer: Object | None, form: dict[str, str]) -> None:
        """Write into the session who pays."""
        session["customer"] = customer["id"] if customer else None
        session["customer_details"] = checkout_object.customer_details(customer, form)

    def _new_customer(self, form: dict[str, str]) -> Object:
        given = {name: form[name] for name in ("email", "name", "phone") if form.get(name)}
        return self._customers.create(given)

    def _subscription_items(self, session: Object) -> list[dict[str, Any]]:
        held = self._items.of(session["id"])
        return [
            {"price": item["price"], **({"quantity": item["quantity"]} if item["quantity"] else {})}
            for item in held
        ]

    def _wanted_method(self, session: Object, params: dict[str, Any], form: dict[str, str]) -> str | None:
        """The payment method typed; None where the session lets a customer go without."""
        free = params.get("trial_period_days") or params.get("trial_end") or not session["amount_total"]
        if session["payment_method_collection"] == "if_required" and free:
            return form.get("payment_method") or None
        return _method(form)

    def _intent_of(self, subscription: Object) -> Object | None:
        invoice = self._account.find("invoice", subscription["latest_invoice"])
        return self._invoices.intent_of(invoice) if invoice else None

    def _order(self, session: Object) -> dict[str, Any]:
        held: dict[str, Any] = self._account.state.note(order_of(session["id"])) or {}
        return held

    def _keep_pending(self, session: Object, subscription: Object) -> None:
        order = self._order(session) | {"pending": subscription["id"]}
        self._account.state.keep_note(order_of(session["id"]), order)
        self._account.save(session)

    def _fresh(self, session: Object) -> Object:
        return self._account.need("checkout.session", session["id"])


def _method(form: dict[str, str]) -> str:
    return form.get("payment_method") or "pm_card_visa"
