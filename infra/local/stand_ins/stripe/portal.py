"""The billing portal: configurations, sessions, and a plain page that shows what a customer could change."""

from html import escape
from typing import Any

from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.pages import money, page, paragraph
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

CONFIGURATION, SESSION = "billing_portal.configuration", "billing_portal.session"
_CONFIGURATION = ("business_profile", "default_return_url", "features", "login_page", "metadata", "name")
_SESSION = ("customer", "return_url", "configuration", "locale", "flow_data")


class Portal(Resource):
    """`/v1/billing_portal/configurations` and `/v1/billing_portal/sessions`.

    A session without a configuration takes the default one, the first made. At Stripe that is made in the
    dashboard, here it is there from the start.
    """

    def routes(self) -> dict[str, Route]:
        path = "/v1/billing_portal/configurations"
        return {
            f"POST {path}": route(self.create, _CONFIGURATION),
            f"GET {path}": route(self.list_all, PAGE, "active", "is_default"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _CONFIGURATION, "active"),
            "POST /v1/billing_portal/sessions": route(self.open, _SESSION),
        }

    def create(self, params: dict[str, Any]) -> Object:
        default = not self.account.state.page(CONFIGURATION, limit=1)
        made = _configuration(params, self.account.now(), default=default)
        return self.account.save(made, "billing_portal.configuration.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        def wanted(held: Object) -> bool:
            return all(held[name] == params[name] for name in ("active", "is_default") if name in params)

        return self.listing(CONFIGURATION, params, "/v1/billing_portal/configurations", where=wanted)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need(CONFIGURATION, id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        held = self.account.need(CONFIGURATION, id)
        if held["is_default"] and params.get("active") is False:
            raise invalid("The default configuration cannot be deactivated.", param="active")
        changes: Object = {
            name: params[name] for name in ("active", "name", "default_return_url") if name in params
        }
        for name in ("features", "business_profile"):
            if name in params:
                changes[name] = held[name] | params[name]
        if "metadata" in params:
            changes["metadata"] = merge_metadata(held["metadata"], params["metadata"])
        changes["updated"] = self.account.now()
        return self.account.update(held, changes, "billing_portal.configuration.updated")

    def open(self, params: dict[str, Any]) -> Object:
        account = self.account
        if "customer" not in params:
            raise invalid("You must provide a customer.", code="parameter_missing", param="customer")
        customer = account.need("customer", params["customer"], param="customer")
        if named := params.get("configuration"):
            configuration = account.need(CONFIGURATION, named, param="configuration")
        else:
            configuration = self._default()
        if not configuration["active"]:
            raise invalid("This configuration is not active.", param="configuration")
        id = new_id(SESSION)
        flow = params.get("flow_data")
        session: Object = {
            "id": id,
            "object": SESSION,
            "configuration": configuration["id"],
            "created": account.now(),
            "customer": customer["id"],
            "flow": _flow(flow) if flow else None,
            "livemode": False,
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url") or configuration["default_return_url"],
            "url": f"{account.base_url}/p/session/{id}",
        }
        return account.save(session, "billing_portal.session.created")

    def _default(self) -> Object:
        held = self.account.state.page(CONFIGURATION, oldest_first=True)
        for configuration in held:
            if configuration["is_default"]:
                return configuration
        features = {"invoice_history": {"enabled": True}, "payment_method_update": {"enabled": True}}
        made = _configuration({"features": features}, self.account.now(), default=True)
        return self.account.save(made, "billing_portal.configuration.created")


class PortalPages:
    """What a session's `url` shows: subscriptions and invoices, with links to pay what is open."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> dict[str, Handler]:
        """Handlers by operation."""
        return {"GET /p/session/{id}": self._show}

    def _show(self, request: Request) -> Answer:
        session = self._account.need(SESSION, request.path_params["id"])
        state, customer = self._account.state, session["customer"]
        body = ""
        for held in state.page("subscription", owner=customer):
            prices = [item["price"] for item in held["items"]["data"]]
            amounts = ", ".join(money(price["unit_amount"] or 0, price["currency"]) for price in prices)
            body += paragraph(f"Subscription: {amounts}, {held['status']}")
        for invoice in state.page("invoice", owner=customer):
            text = f"{invoice['number'] or 'Draft'}: {money(invoice['total'], invoice['currency'])}"
            link = invoice["hosted_invoice_url"]
            linked = f"<a href='{escape(link)}'>{escape(text)}</a>" if link else escape(text)
            body += f"<p>{linked} {escape(invoice['status'])}</p>"
        if back := session["return_url"]:
            body += f"<p><a href='{escape(back)}'>Back</a></p>"
        return page("Your billing", body or paragraph("Nothing yet."))


def _flow(given: dict[str, Any]) -> Object:
    names = (
        "subscription_cancel",
        "subscription_pause",
        "subscription_update",
        "subscription_update_confirm",
    )
    after = given.get("after_completion") or {"type": "portal_homepage"}
    after = {"hosted_confirmation": None, "redirect": None, **after}
    details: Object = {name: given.get(name) for name in names}
    if details["subscription_cancel"]:
        details["subscription_cancel"] = {"retention": None, **details["subscription_cancel"]}
    if confirm := details["subscription_update_confirm"]:
        items = [{"price": None, "quantity": None, **item} for item in confirm["items"]]
        details["subscription_update_confirm"] = {"discounts": None, **confirm, "items": items}
    return {"type": given["type"], "after_completion": after, "customer_update": None, **details}


def _configuration(params: dict[str, Any], now: int, *, default: bool) -> Object:
    given = params["features"]
    off = {"enabled": False}
    reasons = {"enabled": False, "feedback_options": [], "options": []}
    cancel: Object = {
        "cancellation_reason": reasons,
        "mode": "at_period_end",
        "proration_behavior": "none",
    } | off
    update: Object = {"billing_cycle_anchor": None, "default_allowed_updates": [], "products": None, **off}
    update |= {"proration_behavior": "none", "schedule_at_period_end": {"conditions": []}}
    update |= {"trial_update_behavior": "end_trial"}
    pause: Object = {"duration": {"interval_options": [], "type": "indefinite"}, **off}
    features = {
        "customer_update": {"allowed_updates": [], **off} | given.get("customer_update", {}),
        "invoice_history": off | given.get("invoice_history", {}),
        "payment_method_update": {"payment_method_configuration": None, **off}
        | given.get("payment_method_update", {}),
        "subscription_cancel": cancel | given.get("subscription_cancel", {}),
        "subscription_pause": pause | given.get("subscription_pause", {}),
        "subscription_update": update | given.get("subscription_update", {}),
    }
    profile = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
    return {
        "id": new_id(CONFIGURATION),
        "object": CONFIGURATION,
        "active": True,
        "application": None,
        "business_profile": profile | (params.get("business_profile") or {}),
        "created": now,
        "default_return_url": params.get("default_return_url") or None,
        "features": features,
        "is_default": default,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": merge_metadata({}, params.get("metadata")),
        "name": params.get("name") or None,
        "updated": now,
    }
