"""Customers: created with their payment method in one call, changed, deleted, listed, searched."""

import hashlib
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import TEST_CLOCK, Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import missing
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from infra.local.stand_ins.stripe.subscriptions import Subscriptions

_PLAIN = ("name", "email", "phone", "description", "address", "shipping", "preferred_locales", "tax_exempt")
_PLAIN_FIELDS = (*_PLAIN, "business_name", "individual_name")
_CHANGES = (*_PLAIN_FIELDS, "metadata", "invoice_settings")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


class Customers(Resource):
    """`/v1/customers`."""

    def __init__(self, account: Account, methods: PaymentMethods, subscriptions: Subscriptions) -> None:
        super().__init__(account)
        self._methods, self._subscriptions = methods, subscriptions

    def routes(self) -> dict[str, Route]:
        path = "/v1/customers"
        return {
            f"POST {path}": route(self.create, _CHANGES, "payment_method", "test_clock"),
            f"GET {path}": route(self.list_all, PAGE, "email", "test_clock"),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _CHANGES),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        if clock := params.get("test_clock"):
            account.need(TEST_CLOCK, clock, param="test_clock")
        id = new_id("customer")
        customer: Object = {
            "id": id,
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": account.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_prefix": hashlib.sha256(id.encode()).hexdigest()[:8].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": clock,
        }
        account.use_clock_of(customer)
        customer["created"] = account.now()
        customer |= _plain(params)
        customer["metadata"] = merge_metadata({}, params.get("metadata"))
        account.save(customer)  # its payment method refers to it
        attached = None
        if method := params.get("payment_method"):
            attached = self._methods.attach_to(customer, method, param="payment_method")
        if "invoice_settings" in params:
            settings = dict(params["invoice_settings"])
            if settings.get("default_payment_method") == method and attached:
                settings["default_payment_method"] = attached["id"]
            self._set_invoice_settings(customer, settings)
        return account.save(customer, "customer.created")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        found = self.account.find("customer", id)
        if found is None:
            raise missing("customer", id)
        return found

    def update(self, params: dict[str, Any], id: str) -> Object:
        customer = self.account.need("customer", id)
        self.account.use_clock_of(customer)
        changed = {**customer, "invoice_settings": dict(customer["invoice_settings"]), **_plain(params)}
        if "metadata" in params:
            changed["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
        if "invoice_settings" in params:
            self._set_invoice_settings(changed, params["invoice_settings"])
        return self.account.update(customer, changed, "customer.updated")

    def delete(self, params: dict[str, Any], id: str) -> Object:
        customer = self.account.need("customer", id)
        self.account.use_clock_of(customer)
        self._subscriptions.cancel_all_of(customer)
        for method in self.account.state.page("payment_method", owner=id):
            self.account.update(method, {"customer": None}, "payment_method.detached")
        self.account.emit("customer.deleted", customer)
        gone = {"id": id, "object": "customer", "deleted": True}
        self.account.state.put("customer", gone, created=customer["created"])
        return gone

    def list_all(self, params: dict[str, Any]) -> Object:
        clock, email = params.get("test_clock"), params.get("email")
        return self.listing(
            "customer",
            params,
            "/v1/customers",
            owner=clock,
            label=email,
            where=lambda held: not held.get("deleted"),
        )

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("customer", params, "/v1/customers/search")

    def _set_invoice_settings(self, customer: Object, settings: dict[str, Any]) -> None:
        if method := settings.get("default_payment_method"):
            usable = self._methods.usable_by(
                customer, method, param="invoice_settings[default_payment_method]"
            )
            settings = settings | {"default_payment_method": usable["id"]}
        customer["invoice_settings"] |= {name: value or None for name, value in settings.items()}


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Plain fields of the customer; an empty value unsets."""
    given: dict[str, Any] = {
        name: (params[name] if params[name] != "" else None) for name in _PLAIN_FIELDS if name in params
    }
    if given.get("address"):
        given["address"] = dict.fromkeys(_ADDRESS) | given["address"]
    if given.get("shipping") and given["shipping"].get("address"):
        given["shipping"]["address"] = dict.fromkeys(_ADDRESS) | given["shipping"]["address"]
    return given
