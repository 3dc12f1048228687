"""Promotion codes: what a customer types to redeem a coupon."""

import secrets
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

_CREATE = ("promotion", "code", "active", "customer", "expires_at", "max_redemptions", "metadata")
_RESTRICTIONS = ("first_time_transaction", "minimum_amount", "minimum_amount_currency")


class PromotionCodes(Resource):
    """`/v1/promotion_codes`."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/promotion_codes"
        return {
            f"POST {path}": route(self.create, _CREATE, "restrictions"),
            f"GET {path}": route(self.list_all, PAGE, "active", "code", "coupon", "customer"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "active", "metadata"),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account, promotion = self.account, params["promotion"]
        if "coupon" not in promotion:
            message = "Missing required param: promotion[coupon]."
            raise StripeError(400, message, code="parameter_missing", param="promotion[coupon]")
        account.need("coupon", promotion["coupon"], param="promotion[coupon]")
        customer = params.get("customer")
        if customer:
            account.need("customer", customer, param="customer")
        code = params.get("code") or secrets.token_hex(4).upper()
        if any(_for_all_or(customer, held) for held in active_codes(self.account.state.page, code)):
            raise invalid(f"An active promotion code with `code: {code}` already exists.", param="code")
        restrictions = params.get("restrictions") or {}
        refuse_others(restrictions, _RESTRICTIONS, "restrictions")
        blank = {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None}
        promotion_code: Object = {
            "id": new_id("promotion_code"),
            "object": "promotion_code",
            "active": params.get("active", True),
            "code": code,
            "created": account.now(),
            "customer": customer,
            "expires_at": params.get("expires_at"),
            "livemode": False,
            "max_redemptions": params.get("max_redemptions"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "promotion": {"coupon": promotion["coupon"], "type": "coupon"},
            "restrictions": blank | restrictions,
            "times_redeemed": 0,
        }
        return account.save(promotion_code, "promotion_code.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        def wanted(held: Object) -> bool:
            return all(held[name] == params[name] for name in ("active", "customer") if name in params)

        label = params["code"].upper() if "code" in params else None
        owner, url = params.get("coupon"), "/v1/promotion_codes"
        return self.listing("promotion_code", params, url, owner=owner, label=label, where=wanted)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("promotion_code", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        held = self.account.need("promotion_code", id)
        changes: dict[str, Any] = {"metadata": merge_metadata(held["metadata"], params.get("metadata"))}
        if "active" in params:
            changes["active"] = params["active"]
        return self.account.update(held, changes, "promotion_code.updated")


def active_codes(page: Any, code: str) -> list[Object]:
    """The active promotion codes that a customer who types `code` may mean; case does not matter."""
    return [held for held in page("promotion_code", label=code.upper()) if held["active"]]


def _for_all_or(customer: str | None, held: Object) -> bool:
    return held["customer"] in (None, customer) or customer is None
