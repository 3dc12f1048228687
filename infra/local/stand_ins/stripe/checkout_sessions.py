"""Checkout Sessions as callers make, read and expire them; how they are paid is in checkout_payment.py."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import checkout_object
from infra.local.stand_ins.stripe.account import Account, merge_metadata
from infra.local.stand_ins.stripe.checkout_discounts import CheckoutDiscounts, due_today
from infra.local.stand_ins.stripe.checkout_notes import note_of, order_of
from infra.local.stand_ins.stripe.checkout_payment import CheckoutPayment
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.line_items import LineItems
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

_CREATE = ("mode", "line_items", "customer", "customer_email", "customer_creation", "client_reference_id")
_URLS = ("success_url", "cancel_url", "ui_mode", "expires_at")
_DATA = ("metadata", "subscription_data", "payment_intent_data", "setup_intent_data")
_MORE = ("allow_promotion_codes", "phone_number_collection", "payment_method_collection", "custom_text")
_LOOKS = ("submit_type", "locale", "billing_address_collection", "currency", "discounts")
SUBSCRIPTION_DATA = ("metadata", "description", "trial_period_days", "trial_end", "trial_settings")
PAYMENT_INTENT_DATA = ("metadata", "description", "receipt_email", "setup_future_usage")
LEAST, MOST = 30 * 60, 24 * 3600  # docs.stripe.com/api/checkout/sessions/create#expires_at


class CheckoutSessions(Resource):
    """`/v1/checkout/sessions`."""

    def __init__(
        self, account: Account, items: LineItems, payment: CheckoutPayment, discounts: CheckoutDiscounts
    ) -> None:
        super().__init__(account)
        self._items, self._payment, self._discounts = items, payment, discounts

    def routes(self) -> dict[str, Route]:
        path = "/v1/checkout/sessions"
        filters = ("customer", "payment_intent", "subscription", "payment_link", "status")
        return {
            f"POST {path}": route(self.create, _CREATE, _URLS, _DATA, _MORE, _LOOKS),
            f"GET {path}": route(self.list_all, PAGE, filters, "customer_details"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "metadata"),
            f"POST {path}/{{id}}/expire": route(self.expire),
            f"GET {path}/{{id}}/line_items": route(self.line_items, "limit", "starting_after"),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        if "mode" not in params:
            raise _lacks("mode")
        if params.get("ui_mode", "hosted_page") != "hosted_page":
            raise invalid("The stand-in has the hosted page only.", param="ui_mode")
        if "success_url" not in params:
            raise _lacks("success_url")
        if "customer" in params:
            if "customer_email" in params:
                message = "You may only specify one of these parameters: customer, customer_email."
                raise invalid(message, param="customer_email")
            account.use_clock_of(account.need("customer", params["customer"], param="customer"))
        if "discounts" in params and "allow_promotion_codes" in params:
            message = "You may only specify one of these parameters: allow_promotion_codes, discounts."
            raise invalid(message, param="discounts")
        items = self._items.read(params.get("line_items") or [])
        check_mode(params["mode"], items, params)
        return self.open(params | {"expires_at": self._expires_at(params)}, params["mode"], items)

    def open(self, params: dict[str, Any], mode: str, items: list[Object]) -> Object:
        """A stored open session over checked parameters, by a caller or by a payment link."""
        account = self.account
        url = f"{account.base_url}/checkout"
        session = checkout_object.session(params, mode, items, url, account.now())
        self._items.keep(session["id"], items)
        order = {name: params[name] for name in _DATA[1:] if name in params}
        account.state.keep_note(order_of(session["id"]), order)
        self._discounts.give(session, params.get("discounts") or [])
        due_today(session, order)
        account.set_timer(session, session["expires_at"])
        return account.save(session)

    def list_all(self, params: dict[str, Any]) -> Object:
        url, paid_by = "/v1/checkout/sessions", params.get("payment_intent") or params.get("subscription")
        email = (params.get("customer_details") or {}).get("email")

        def wanted(session: Object) -> bool:
            names = ("payment_intent", "subscription", "status", "customer", "payment_link")
            typed = (session["customer_details"] or {}).get("email")
            return all(session[name] == params[name] for name in names if name in params) and (
                email is None or typed == email
            )

        if paid_by:  # a payment and a subscription belong to one session at most
            found = account_session(self.account, paid_by)
            data = [found] if found and wanted(found) else []
            return {"object": "list", "data": data, "has_more": False, "url": url}
        owner, label = params.get("customer"), params.get("payment_link")
        return self.listing("checkout.session", params, url, owner=owner, label=label, where=wanted)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("checkout.session", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        session = self.account.need("checkout.session", id)
        changes = {"metadata": merge_metadata(session["metadata"], params.get("metadata"))}
        return self.account.update(session, changes, None)

    def line_items(self, params: dict[str, Any], id: str) -> Object:
        self.account.need("checkout.session", id)
        return self._items.page(id, params, f"/v1/checkout/sessions/{id}/line_items")

    def expire(self, params: dict[str, Any], id: str) -> Object:
        session = self.account.need("checkout.session", id)
        if session["status"] != "open":
            message = "Only Checkout Sessions with a status of open can be expired. This Checkout Session "
            message += f"has a status of {session['status']}."
            raise invalid(message)
        return self._payment.expire(session)

    def _expires_at(self, params: dict[str, Any]) -> int:
        now = self.account.now()
        at = params.get("expires_at", now + MOST)
        if at < now + LEAST:
            message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
            raise invalid(message, param="expires_at")
        if at > now + MOST:
            message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
            raise invalid(message, param="expires_at")
        return int(at)


def account_session(account: Account, id: str) -> Object | None:
    """The session that made this payment intent, subscription or setup intent."""
    return account.find("checkout.session", account.state.note(note_of(id)))


def check_mode(mode: str, items: list[Object], params: dict[str, Any]) -> None:
    """Raise a 400 when prices or data do not belong to the mode."""
    recurring = [item for item in items if item["price"]["recurring"]]
    if mode == "setup":
        if items:
            raise invalid("`line_items` cannot be used in `setup` mode.", param="line_items")
    elif not items:
        raise _lacks("line_items")
    elif mode == "payment" and recurring:
        message = "You specified `payment` mode but passed a recurring price. Either switch to "
        message += "`subscription` mode or use only one-time prices."
        raise invalid(message, param="line_items")
    elif mode == "subscription" and not recurring:
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise invalid(message, param="line_items")
    elif mode == "subscription" and len(recurring) < len(items):
        raise invalid("The stand-in does not mix one-time and recurring prices.", param="line_items")
    own = {
        "subscription": "subscription_data",
        "payment": "payment_intent_data",
        "setup": "setup_intent_data",
    }
    for name in _DATA[1:]:
        if name in params and name != own[mode]:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if params.get("customer_creation") and mode != "payment":
        raise invalid("`customer_creation` can only be used in `payment` mode.", param="customer_creation")
    refuse_others(params.get("subscription_data") or {}, SUBSCRIPTION_DATA, "subscription_data")
    refuse_others(params.get("payment_intent_data") or {}, PAYMENT_INTENT_DATA, "payment_intent_data")
    refuse_others(params.get("setup_intent_data") or {}, ("metadata", "description"), "setup_intent_data")


def _lacks(name: str) -> StripeError:
    return StripeError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
