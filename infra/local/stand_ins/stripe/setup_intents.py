"""Setup intents: a payment method made ready for later charges."""

from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.http import Answer
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.cards import Decline, behaviour_of
from infra.local.stand_ins.stripe.errors import StripeError, error_answer, invalid
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error_fields
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

_CREATE = ("customer", "payment_method", "confirm", "usage", "metadata", "description", "return_url")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class SetupIntents(Resource):
    """`/v1/setup_intents`, and set-ups on behalf of trials and Checkout.

    Attributes:
        listeners: each told of every set-up that succeeded.
    """

    def __init__(self, account: Account, methods: PaymentMethods) -> None:
        super().__init__(account)
        self._methods = methods
        self.listeners: list[Callable[[Object], None]] = []

    def routes(self) -> dict[str, Route]:
        path = "/v1/setup_intents"
        return {
            f"POST {path}": route(self.create, _CREATE, "automatic_payment_methods"),
            f"GET {path}": route(self.list_all, PAGE, "customer", "payment_method"),
            f"GET {path}/{{id}}": route(self.retrieve, "client_secret"),
            f"POST {path}/{{id}}": route(
                self.update, "metadata", "description", "customer", "payment_method"
            ),
            f"POST {path}/{{id}}/confirm": route(self.confirm, "payment_method", "return_url"),
            f"POST {path}/{{id}}/cancel": route(self.cancel, "cancellation_reason"),
        }

    def create(self, params: dict[str, Any]) -> Object | Answer:
        account = self.account
        customer = (
            account.need("customer", params["customer"], param="customer") if "customer" in params else None
        )
        if customer:
            account.use_clock_of(customer)
        method = self._methods.for_intent(params["payment_method"]) if "payment_method" in params else None
        intent = self.open(customer, method, params)
        return self.attempt(intent) if params.get("confirm") else intent

    def open(
        self, customer: Object | None, method: Object | None, params: dict[str, Any] | None = None
    ) -> Object:
        """A stored setup intent that waits for a method, for confirmation or, in a trial, for the bank."""
        given, id = params or {}, new_id("setup_intent")
        automatic = given.get("automatic_payment_methods")
        intent: Object = {
            "id": id,
            "object": "setup_intent",
            "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic else None,
            "cancellation_reason": None,
            "client_secret": f"{id}_secret_{new_id('line_item')[4:]}",
            "created": self.account.now(),
            "customer": customer["id"] if customer else None,
            "description": given.get("description"),
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "metadata": merge_metadata({}, given.get("metadata")),
            "next_action": None,
            "payment_method": method["id"] if method else None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "status": "requires_confirmation" if method else "requires_payment_method",
            "usage": given.get("usage", "off_session"),
        }
        self.account.save(intent, "setup_intent.created")
        if params is None and method and behaviour_of(method).authentication != "never":
            self._ask(intent)
        return intent

    def list_all(self, params: dict[str, Any]) -> Object:
        method = params.get("payment_method")
        where = (lambda intent: intent["payment_method"] == method) if method else None
        return self.listing(
            "setup_intent", params, "/v1/setup_intents", owner=params.get("customer"), where=where
        )

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("setup_intent", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        intent = self._open_one(id)
        changes: dict[str, Any] = {
            name: params[name] for name in ("description", "customer") if name in params
        }
        if "metadata" in params:
            changes["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
        if "payment_method" in params:
            changes["payment_method"] = self._methods.for_intent(params["payment_method"])["id"]
            changes["status"] = "requires_confirmation"
        return self.account.update(intent, changes, None)

    def confirm(self, params: dict[str, Any], id: str) -> Object | Answer:
        intent = self._open_one(id)
        if "payment_method" in params:
            intent["payment_method"] = self._methods.for_intent(params["payment_method"])["id"]
        return self.attempt(intent)

    def cancel(self, params: dict[str, Any], id: str) -> Object:
        intent = self._open_one(id)
        reason = params.get("cancellation_reason", "requested_by_customer")
        intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
        return self.account.save(intent, "setup_intent.canceled")

    def authenticate(self, intent: Object, *, succeeds: bool) -> Object:
        """What the customer does on the bank's page.

        Raises StripeError 400 when the intent does not wait for that.
        """
        if intent["status"] != "requires_action":
            raise invalid(f"{intent['id']} is {intent['status']}; no authentication is asked for")
        if succeeds:
            self.attempt(intent, authenticated=True)
        else:
            code = "setup_intent_authentication_failure"
            self._fail(intent, Decline(code, code, "The provided PaymentMethod has failed authentication."))
        return intent

    def _open_one(self, id: str) -> Object:
        intent = self.account.need("setup_intent", id)
        if intent["status"] not in OPEN:
            message = f"This SetupIntent's status is {intent['status']}; it can no longer be changed."
            raise StripeError(400, message, code="setup_intent_unexpected_state", setup_intent=intent)
        if customer := self.account.find("customer", intent["customer"]):
            self.account.use_clock_of(customer)
        return intent

    def attempt(self, intent: Object, *, authenticated: bool = False) -> Object | Answer:
        """Try to set up `intent["payment_method"]`; returns the intent, or the 402 of a declined card."""
        if intent["payment_method"] is None:
            message = "You cannot confirm this SetupIntent because it's missing a payment method."
            raise invalid(message, code="setup_intent_unexpected_state")
        method = self.account.need("payment_method", intent["payment_method"])
        behaviour = behaviour_of(method)
        if behaviour.authentication != "never" and not authenticated:
            return self._ask(intent)
        if behaviour.on_attach:
            decline = self._fail(intent, behaviour.on_attach)
            fields = card_error_fields(decline) | {"setup_intent": intent, "payment_method": method}
            return error_answer(402, decline.message, **fields)
        customer = self.account.find("customer", intent["customer"])
        if authenticated:
            self.account.state.keep_note(f"set up {method['id']}", True)
        if customer and method["customer"] is None:
            self._methods.attach_to(customer, method["id"], param="payment_method")
        intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
        self.account.save(intent, "setup_intent.succeeded")
        self._release_subscription(intent)
        for listener in self.listeners:
            listener(intent)
        return intent

    def _release_subscription(self, intent: Object) -> None:
        """The subscription that waited for this set-up has its method now."""
        if intent["customer"] is None:
            return
        for held in self.account.state.page("subscription", owner=intent["customer"]):
            if held["pending_setup_intent"] == intent["id"]:
                changes = {"pending_setup_intent": None, "default_payment_method": intent["payment_method"]}
                self.account.update(held, changes, "customer.subscription.updated")

    def _ask(self, intent: Object) -> Object:
        url = f"{self.account.base_url}/authenticate/{intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": url}}
        intent |= {"status": "requires_action", "next_action": action}
        return self.account.save(intent, "setup_intent.requires_action")

    def _fail(self, intent: Object, decline: Decline) -> Decline:
        error = card_error_fields(decline) | {"message": decline.message}
        intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
        intent["last_setup_error"] = error
        self.account.save(intent, "setup_intent.setup_failed")
        return decline
