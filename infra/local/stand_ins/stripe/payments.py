"""Money moving: payment intents through their states, the charges they leave."""

from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.http import Answer
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.balance_transactions import settle_charge
from infra.local.stand_ins.stripe.cards import RETURNED, UNAUTHENTICATED, Decline, behaviour_of
from infra.local.stand_ins.stripe.charge_object import charge_of
from infra.local.stand_ins.stripe.checkout_notes import note_of
from infra.local.stand_ins.stripe.errors import StripeError, error_answer, invalid
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error_fields
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

CLEARING_SECONDS = 5  # how long a bank debit stays `processing`, in business time
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")
_SET = ("metadata", "description", "receipt_email", "statement_descriptor", "setup_future_usage")
_CREATE = (*_SET, "amount", "currency", "customer", "payment_method", "confirm", "off_session", "return_url")
_CREATE_ALL = (*_CREATE, "automatic_payment_methods", "capture_method", "confirmation_method")


class PaymentIntents(Resource):
    """`/v1/payment_intents`, and payments on behalf of invoices.

    Attributes:
        listeners: each told of every intent that succeeded, failed or waits for the customer, in this order
            (the invoices, then Checkout).
    """

    def __init__(
        self, account: Account, methods: PaymentMethods, clearing_seconds: int = CLEARING_SECONDS
    ) -> None:
        super().__init__(account)
        self._methods, self._clearing_seconds = methods, clearing_seconds
        self.listeners: list[Callable[[Object], None]] = []

    def routes(self) -> dict[str, Route]:
        path = "/v1/payment_intents"
        confirm = ("payment_method", "off_session", "return_url", "receipt_email", "setup_future_usage")
        return {
            f"POST {path}": route(self.create, _CREATE_ALL),
            f"GET {path}": route(self.list_all, PAGE, "customer"),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve, "client_secret"),
            f"POST {path}/{{id}}": route(
                self.update, _SET, "amount", "currency", "customer", "payment_method"
            ),
            f"POST {path}/{{id}}/confirm": route(self.confirm, confirm),
            f"POST {path}/{{id}}/cancel": route(self.cancel, "cancellation_reason"),
        }

    def create(self, params: dict[str, Any]) -> Object | Answer:
        account = self.account
        customer = (
            account.need("customer", params["customer"], param="customer") if "customer" in params else None
        )
        if customer:
            account.use_clock_of(customer)
        if params["amount"] < 1:
            raise invalid(
                "This value must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                param="amount",
            )
        if params.get("capture_method") == "manual" or params.get("confirmation_method") == "manual":
            raise invalid("The stand-in captures and confirms automatically.", param="capture_method")
        intent = self.open(params["amount"], params["currency"], customer, params)
        if params.get("payment_method"):
            self.take_method(intent, params["payment_method"])
        account.save(intent, "payment_intent.created")
        if params.get("confirm"):
            return self._confirmed(intent, params)
        return intent

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("payment_intent", id)

    def list_all(self, params: dict[str, Any]) -> Object:
        return self.listing("payment_intent", params, "/v1/payment_intents", owner=params.get("customer"))

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("payment_intent", params, "/v1/payment_intents/search")

    def update(self, params: dict[str, Any], id: str) -> Object:
        intent = self.account.need("payment_intent", id)
        self._require_open(intent, "update")
        changes = {name: params[name] for name in (*_SET, "amount", "currency", "customer") if name in params}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
        self.account.update(intent, changes, None)
        if params.get("payment_method"):
            self.take_method(intent, params["payment_method"])
        return self.account.save(intent)

    def confirm(self, params: dict[str, Any], id: str) -> Object | Answer:
        intent = self.account.need("payment_intent", id)
        self._use_clock(intent)
        self._require_open(intent, "confirm")
        if params.get("payment_method"):
            self.take_method(intent, params["payment_method"])
        if intent["payment_method"] is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise invalid(message, code="payment_intent_unexpected_state")
        changes = {name: params[name] for name in ("receipt_email", "setup_future_usage") if name in params}
        return self._confirmed(intent | changes, params)

    def cancel(self, params: dict[str, Any], id: str) -> Object:
        intent = self.account.need("payment_intent", id)
        self._use_clock(intent)
        self._require_open(intent, "cancel")
        if self.account.state.note(note_of(id)):
            message = "You cannot cancel the PaymentIntent of a Checkout Session; expire the session instead."
            raise invalid(message, code="payment_intent_unexpected_state")
        return self.cancel_intent(intent, params.get("cancellation_reason", "requested_by_customer"))

    # -- for invoices and the customer's bank ----------------------------------------------------

    def open(self, amount: int, currency: str, customer: Object | None, params: dict[str, Any]) -> Object:
        """A payment intent that waits for a payment method, not stored yet."""
        id = new_id("payment_intent")
        methods = params.get("automatic_payment_methods")
        return {
            "id": id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "always", **methods} if methods else None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{id}_secret_{new_id('line_item')[4:]}",
            "confirmation_method": "automatic",
            "created": self.account.now(),
            "currency": currency.lower(),
            "customer": customer["id"] if customer else None,
            "description": params.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": merge_metadata({}, params.get("metadata")),
            "next_action": None,
            "payment_method": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": params.get("receipt_email"),
            "setup_future_usage": params.get("setup_future_usage"),
            "shipping": None,
            "statement_descriptor": params.get("statement_descriptor"),
            "status": "requires_payment_method",
        }

    def attempt(
        self, intent: Object, *, off_session: bool = False, authenticated: bool = False
    ) -> Decline | None:
        """Try to charge `intent["payment_method"]`; stores the outcome, returns the decline, if any."""
        method = self.account.need("payment_method", intent["payment_method"], param="payment_method")
        behaviour = behaviour_of(method)
        asks = behaviour.authentication == "always" or (
            behaviour.authentication == "unless_set_up"
            and not self.account.state.note(f"set up {method['id']}")
        )
        if asks and not authenticated:
            if off_session:
                return self._fail(intent, method, UNAUTHENTICATED)
            self._ask_for_authentication(intent)
            return None
        if behaviour.type != "card" and intent["status"] != "processing":
            intent |= {"status": "processing", "next_action": None, "last_payment_error": None}
            self.account.save(intent, "payment_intent.processing")
            self.account.set_timer(intent, self.account.now() + self._clearing_seconds)
            return None
        if behaviour.on_charge:
            return self._fail(intent, method, behaviour.on_charge)
        customer = self.account.find("customer", intent["customer"])
        if intent["setup_future_usage"] and customer and method["customer"] is None:
            self._methods.attach_to(customer, method["id"], param="payment_method")
        charge = self._charged(intent, method, None)
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        intent |= {"next_action": None, "last_payment_error": None}
        self.account.emit("charge.succeeded", charge)
        self.account.save(intent, "payment_intent.succeeded")
        self._tell(intent)
        return None

    def clear(self, id: str) -> None:
        """A bank debit arrives (timer)."""
        intent = self.account.need("payment_intent", id)
        self.account.set_timer(intent, None)
        if intent["status"] == "processing":
            self.attempt(intent, authenticated=True)

    def settle(self, id: str, *, succeeds: bool) -> Object:
        """A bank debit arrives now, or comes back; raises StripeError 400 when none is under way."""
        intent = self.account.need("payment_intent", id)
        self._use_clock(intent)
        if intent["status"] != "processing":
            raise invalid(f"{id} is {intent['status']}; no debit is under way")
        self.account.set_timer(intent, None)
        method = self.account.need("payment_method", intent["payment_method"])
        if succeeds:
            self.attempt(intent, authenticated=True)
        else:
            self._fail(intent, method, RETURNED)
        return intent

    def authenticate(self, intent: Object, *, succeeds: bool) -> Object:
        """What the customer does on the bank's page.

        Raises StripeError 400 when the intent does not wait for that.
        """
        if intent["status"] != "requires_action":
            raise invalid(f"{intent['id']} is {intent['status']}; no authentication is asked for")
        if succeeds:
            self.attempt(intent, authenticated=True)
        else:
            message = "The provided PaymentMethod has failed authentication."
            code = "payment_intent_authentication_failure"
            method = self.account.need("payment_method", intent["payment_method"])
            self._fail(intent, method, Decline(code, code, message), charged=False)
        return intent

    def cancel_intent(self, intent: Object, reason: str) -> Object:
        """Cancel an intent that is still open."""
        changes = {"status": "canceled", "canceled_at": self.account.now(), "cancellation_reason": reason}
        intent |= {**changes, "next_action": None}
        self.account.timers.clear("payment_intent", intent["id"])
        return self.account.save(intent, "payment_intent.canceled")

    # -- steps -----------------------------------------------------------------------------------

    def _tell(self, intent: Object) -> None:
        for listener in self.listeners:
            listener(intent)

    def _confirmed(self, intent: Object, params: dict[str, Any]) -> Object | Answer:
        if intent["payment_method"] is None:
            raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.")
        decline = self.attempt(intent, off_session=bool(params.get("off_session")))
        if intent["next_action"] and "return_url" in params:
            intent["next_action"]["redirect_to_url"]["return_url"] = params["return_url"]
            self.account.save(intent)
        if decline is None:
            return intent
        fields = card_error_fields(decline) | {"charge": intent["latest_charge"], "payment_intent": intent}
        method = intent["last_payment_error"]["payment_method"]
        return error_answer(402, decline.message, **fields, payment_method=method)

    def take_method(self, intent: Object, id: str) -> None:
        """Have the next attempt use the payment method `id`; a test id is taken as a fresh one."""
        customer = self.account.find("customer", intent["customer"])
        found = self._methods.for_intent(id)
        if found["customer"] and (customer is None or found["customer"] != customer["id"]):
            message = "The provided PaymentMethod is attached to another Customer."
            raise invalid(message, param="payment_method")
        intent |= {"payment_method": found["id"], "status": "requires_confirmation"}

    def _require_open(self, intent: Object, what: str) -> None:
        if intent["status"] not in OPEN or intent["status"] == "processing":
            message = f"This PaymentIntent's {what} is not possible because its status is {intent['status']}."
            raise StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)

    def _use_clock(self, intent: Object) -> None:
        if customer := self.account.find("customer", intent["customer"]):
            self.account.use_clock_of(customer)

    def _ask_for_authentication(self, intent: Object) -> None:
        url = f"{self.account.base_url}/authenticate/{intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": url}}
        intent |= {"status": "requires_action", "next_action": action}
        self.account.save(intent, "payment_intent.requires_action")
        self._tell(intent)

    def _fail(self, intent: Object, method: Object, decline: Decline, *, charged: bool = True) -> Decline:
        charge = self._charged(intent, method, decline) if charged else None
        error = card_error_fields(decline) | {"message": decline.message, "payment_method": method}
        intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
        intent["last_payment_error"] = error
        if charge:
            error["charge"] = intent["latest_charge"] = charge["id"]
            self.account.emit("charge.failed", charge)
        self.account.save(intent, "payment_intent.payment_failed")
        self._tell(intent)
        return decline

    def _charged(self, intent: Object, method: Object, decline: Decline | None) -> Object:
        charge = charge_of(intent, method, decline, self.account.now())
        if decline is None:
            charge["balance_transaction"] = settle_charge(self.account, charge)["id"]
        return self.account.save(charge)


def last_decline(intent: Object) -> Decline:
    """Why the intent's last attempt failed."""
    error = intent["last_payment_error"]
    return Decline(error["code"], error["decline_code"], error["message"], error["advice_code"])
