"""Payment methods: test ids, attaching to a customer and detaching again."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.cards import (
    BY_NUMBER,
    TEST_METHODS,
    Decline,
    PaymentTestMethod,
    behaviour_of,
)
from infra.local.stand_ins.stripe.errors import StripeError, invalid, missing
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

EXPIRES = (12, 2035)
_BLANK_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def card_error(decline: Decline, **more: Any) -> StripeError:
    """Stripe's 402 for a decline."""
    return StripeError(402, decline.message, **card_error_fields(decline), **more)


def card_error_fields(decline: Decline) -> dict[str, Any]:
    """The fields of a card_error besides its message."""
    return {
        "type": "card_error",
        "code": decline.code,
        "decline_code": decline.decline_code,
        "advice_code": decline.advice_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
    }


class PaymentMethods(Resource):
    """`/v1/payment_methods` and what other resources need of it."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/payment_methods"
        create = ("type", "card", "us_bank_account", "billing_details", "metadata", "allow_redisplay")
        update = ("billing_details", "metadata", "allow_redisplay")
        return {
            f"POST {path}": route(self.create, create),
            f"GET {path}": route(self.list_all, PAGE, "customer", "type"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, update),
            f"POST {path}/{{id}}/attach": route(self.attach, "customer"),
            f"POST {path}/{{id}}/detach": route(self.detach),
            "GET /v1/customers/{customer}/payment_methods": route(self.list_of_customer, PAGE, "type"),
            "GET /v1/customers/{customer}/payment_methods/{id}": route(self.retrieve_of_customer),
        }

    def create(self, params: dict[str, Any]) -> Object:
        kind = params.get("type")
        number = (params.get("card") or {}).get("number") or (params.get("us_bank_account") or {}).get(
            "account_number"
        )
        token = (params.get("card") or {}).get("token")
        method = BY_NUMBER.get(number or "") or TEST_METHODS.get(f"pm_{(token or '').removeprefix('tok_')}")
        if kind not in ("card", "us_bank_account") or method is None:
            raise invalid(
                "The stand-in takes the numbers and tokens that Stripe publishes for tests.", param="card"
            )
        made = self._fresh(method)
        made["billing_details"] |= params.get("billing_details") or {}
        made["metadata"] = merge_metadata({}, params.get("metadata"))
        return self.account.save(made)

    def list_all(self, params: dict[str, Any]) -> Object:
        customer = params.get("customer")
        if customer is None:
            return {"object": "list", "data": [], "has_more": False, "url": "/v1/payment_methods"}
        return self._page(params, customer, "/v1/payment_methods")

    def list_of_customer(self, params: dict[str, Any], customer: str) -> Object:
        return self._page(params, customer, f"/v1/customers/{customer}/payment_methods")

    def _page(self, params: dict[str, Any], customer: str, url: str) -> Object:
        self.account.need("customer", customer, param="customer")
        wanted = params.get("type")
        where = (lambda method: method["type"] == wanted) if wanted else None
        return self.listing("payment_method", params, url, owner=customer, where=where)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return (
            self._fresh(TEST_METHODS[id]) if id in TEST_METHODS else self.account.need("payment_method", id)
        )

    def retrieve_of_customer(self, params: dict[str, Any], customer: str, id: str) -> Object:
        found = self.account.need("payment_method", id)
        if found["customer"] != customer:
            raise missing("payment_method", id)
        return found

    def update(self, params: dict[str, Any], id: str) -> Object:
        held = self.account.need("payment_method", id)
        changes: dict[str, Any] = {"metadata": merge_metadata(held["metadata"], params.get("metadata"))}
        if "billing_details" in params:
            changes["billing_details"] = held["billing_details"] | params["billing_details"]
        return self.account.update(held, changes, "payment_method.updated")

    def attach(self, params: dict[str, Any], id: str) -> Object:
        customer = self.account.need("customer", params["customer"], param="customer")
        return self.attach_to(customer, id, param="payment_method")

    def detach(self, params: dict[str, Any], id: str) -> Object:
        held = self.account.need("payment_method", id)
        customer = self.account.find("customer", held["customer"])
        if customer is None:
            raise invalid(
                "The payment method you provided is not attached to a customer so detachment is impossible."
            )
        settings = customer["invoice_settings"]
        if settings["default_payment_method"] == id:
            changed = settings | {"default_payment_method": None}
            self.account.update(customer, {"invoice_settings": changed}, "customer.updated")
        return self.account.update(held, {"customer": None}, "payment_method.detached")

    def attach_to(self, customer: Object, id: str, *, param: str) -> Object:
        """Attach an id, or a fresh payment method for a test id.

        Raises:
            StripeError: 402 when the bank declines the check, 400 when it is unknown or used.
        """
        if id in TEST_METHODS:
            held = self._fresh(TEST_METHODS[id])
        else:
            held = self.account.need("payment_method", id, param=param)
        if held["customer"] == customer["id"]:
            return held
        if held["customer"]:
            raise invalid(
                "The payment method you provided has already been attached to a customer.", param=param
            )
        if decline := behaviour_of(held).on_attach:
            raise card_error(decline, param="")
        held["customer"] = customer["id"]
        return self.account.save(held, "payment_method.attached")

    def usable_by(self, customer: Object, id: str, *, param: str) -> Object:
        """The customer's payment method `id`.

        Raises StripeError 400 when it is not attached to this customer, as a test id never is.
        """
        held = self.account.find("payment_method", id)
        if held is None or held["customer"] != customer["id"]:
            message = f"The customer does not have a payment method with the ID {id}. "
            message += "The payment method must be attached to the customer."
            raise invalid(message, code="resource_missing", param=param)
        return held

    def for_intent(self, id: str) -> Object:
        """The payment method `id` for an intent without customer; a test id is taken as a fresh one."""
        if id in TEST_METHODS:
            return self.account.save(self._fresh(TEST_METHODS[id]))
        return self.account.need("payment_method", id, param="payment_method")

    def _fresh(self, method: PaymentTestMethod) -> Object:
        blank = {"address": dict(_BLANK_ADDRESS), "email": None, "name": None, "phone": None, "tax_id": None}
        return {
            "id": new_id("payment_method"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": blank,
            "created": self.account.now(),
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": method.type,
            method.type: _card(method) if method.type == "card" else _bank_account(method),
        }


def _card(method: PaymentTestMethod) -> Object:
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    return {
        "brand": method.brand,
        "checks": checks,
        "country": method.country,
        "display_brand": method.brand,
        "exp_month": EXPIRES[0],
        "exp_year": EXPIRES[1],
        "fingerprint": method.fingerprint,
        "funding": method.funding,
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand], "preferred": None},
        "three_d_secure_usage": {"supported": method.brand != "amex"},
        "wallet": None,
    }


def _bank_account(method: PaymentTestMethod) -> Object:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": method.fingerprint,
        "last4": method.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }
