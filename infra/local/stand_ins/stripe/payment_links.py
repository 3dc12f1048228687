"""Payment Links: a link opens Checkout Sessions over the same items until it is deactivated or used up."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.checkout_object import custom_text
from infra.local.stand_ins.stripe.checkout_payment import CheckoutPayment
from infra.local.stand_ins.stripe.checkout_sessions import MOST, CheckoutSessions, check_mode
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.line_items import LineItems, mode_of
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

_CHANGES = ("metadata", "after_completion", "allow_promotion_codes", "custom_text", "customer_creation")
_DATA = ("payment_intent_data", "subscription_data", "restrictions", "inactive_message")
_MORE = ("phone_number_collection", "billing_address_collection", "payment_method_collection", "submit_type")
_SUBSCRIPTION_DATA = ("metadata", "description", "trial_period_days", "trial_settings")


class PaymentLinks(Resource):
    """`/v1/payment_links`."""

    def __init__(
        self, account: Account, items: LineItems, sessions: CheckoutSessions, payment: CheckoutPayment
    ) -> None:
        super().__init__(account)
        self._items, self._sessions = items, sessions
        payment.completed = self._session_completed

    def routes(self) -> dict[str, Route]:
        path = "/v1/payment_links"
        return {
            f"POST {path}": route(self.create, "line_items", "currency", _CHANGES, _DATA, _MORE),
            f"GET {path}": route(self.list_all, PAGE, "active"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "active", _CHANGES, _DATA, _MORE),
            f"GET {path}/{{id}}/line_items": route(self.line_items, "limit", "starting_after"),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        items = self._items.read(params["line_items"])
        mode = mode_of(items)
        check_mode(mode, items, params)
        id = new_id("payment_link")
        link: Object = {
            "id": id,
            "object": "payment_link",
            "active": True,
            "after_completion": {
                "hosted_confirmation": {"custom_message": None},
                "type": "hosted_confirmation",
            },
            "allow_promotion_codes": False,
            "application": None,
            "application_fee_amount": None,
            "application_fee_percent": None,
            "automatic_tax": {"enabled": False, "liability": None},
            "billing_address_collection": "auto",
            "consent_collection": None,
            "currency": items[0]["currency"],
            "custom_fields": [],
            "custom_text": custom_text(None),
            "customer_creation": "always" if mode == "subscription" else "if_required",
            "inactive_message": None,
            "invoice_creation": None,
            "livemode": False,
            "metadata": {},
            "on_behalf_of": None,
            "payment_intent_data": None,
            "payment_method_collection": "always",
            "payment_method_types": None,
            "phone_number_collection": {"enabled": False},
            "restrictions": None,
            "shipping_address_collection": None,
            "shipping_options": [],
            "submit_type": "auto",
            "subscription_data": None,
            "tax_id_collection": {"enabled": False, "required": "never"},
            "transfer_data": None,
            "url": f"{account.base_url}/pay/{id}",
        }
        self._items.keep(id, items)
        return account.save(link | self._changes(link, params), "payment_link.created")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("payment_link", id)

    def list_all(self, params: dict[str, Any]) -> Object:
        active = params.get("active")
        where = (lambda link: link["active"] == active) if active is not None else None
        return self.listing("payment_link", params, "/v1/payment_links", where=where)

    def line_items(self, params: dict[str, Any], id: str) -> Object:
        self.account.need("payment_link", id)
        return self._items.page(id, params, f"/v1/payment_links/{id}/line_items")

    def update(self, params: dict[str, Any], id: str) -> Object:
        link = self.account.need("payment_link", id)
        changes = self._changes(link, params)
        if "active" in params:
            changes["active"] = params["active"]
        return self.account.update(link, changes, "payment_link.updated")

    def open_session(self, link: Object, client_reference_id: str | None) -> Object:
        """The Checkout Session of a customer who presses the link's button.

        The link's metadata reach the session only; those of its data reach the payment or subscription.
        Source: docs.stripe.com/payment-links/api (metadata).
        """
        now = self.account.now()
        names = ("allow_promotion_codes", "custom_text", "metadata", "submit_type", *_DATA[:2])
        params = {name: _given(link[name]) for name in names if link[name] is not None}
        params |= {name: link[name] for name in ("phone_number_collection", "payment_method_collection")}
        params |= {"expires_at": now + MOST, "payment_link": link["id"]}
        if client_reference_id:
            params["client_reference_id"] = client_reference_id
        items = [item | {"id": new_id("item")} for item in self._items.of(link["id"])]
        if (mode := mode_of(items)) == "payment":
            params["customer_creation"] = link["customer_creation"]
        if link["after_completion"]["type"] == "redirect":
            params["success_url"] = link["after_completion"]["redirect"]["url"]
        return self._sessions.open(params, mode, items)

    def _session_completed(self, session: Object) -> None:
        link = self.account.find("payment_link", session["payment_link"])
        if link is None or link["restrictions"] is None:
            return
        limit = link["restrictions"]["completed_sessions"]["limit"]
        count = link["restrictions"]["completed_sessions"]["count"] + 1
        changes: dict[str, Any] = {"restrictions": {"completed_sessions": {"count": count, "limit": limit}}}
        if count >= limit:
            changes["active"] = False
        self.account.update(link, changes, "payment_link.updated")

    def _changes(self, link: Object, params: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {name: params[name] for name in _MORE if name in params}
        for name in ("allow_promotion_codes", "customer_creation"):
            if name in params:
                changes[name] = params[name]
        if "inactive_message" in params:
            changes["inactive_message"] = params["inactive_message"] or None
        if "metadata" in params:
            changes["metadata"] = merge_metadata(link["metadata"], params["metadata"])
        if "custom_text" in params:
            changes["custom_text"] = custom_text(link["custom_text"] | params["custom_text"])
        if data := params.get("payment_intent_data"):
            changes["payment_intent_data"] = {"metadata": {}} | (link["payment_intent_data"] or {}) | data
        if data := params.get("subscription_data"):
            refuse_others(data, _SUBSCRIPTION_DATA, "subscription_data")
            blank = {"invoice_settings": {"issuer": {"type": "self"}}, "metadata": {}, "description": None}
            blank |= {"trial_period_days": None, "trial_settings": None}
            changes["subscription_data"] = blank | (link["subscription_data"] or {}) | data
        if "after_completion" in params:
            changes["after_completion"] = _after_completion(params["after_completion"])
        if "restrictions" in params:
            changes["restrictions"] = _restrictions(link, params["restrictions"])
        return changes


def _given(value: Any) -> Any:
    """`value` without what was not set; `invoice_settings` of a link cannot be set here."""
    if not isinstance(value, dict):
        return value
    return {name: held for name, held in value.items() if held is not None and name != "invoice_settings"}


def _after_completion(given: dict[str, Any]) -> Object:
    kind = given["type"]
    default = {"custom_message": None} if kind == "hosted_confirmation" else None
    settings = given.get(kind) or default
    if settings is None:
        raise invalid("A redirect needs its url.", param="after_completion[redirect]")
    return {kind: settings, "type": kind}


def _restrictions(link: Object, given: Any) -> Object | None:
    if not given:
        return None
    limit = given["completed_sessions"]["limit"]
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", param="restrictions")
    held = link["restrictions"] or {"completed_sessions": {"count": 0}}
    return {"completed_sessions": {"count": held["completed_sessions"]["count"], "limit": limit}}
