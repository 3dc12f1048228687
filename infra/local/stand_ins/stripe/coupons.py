"""Coupons: what is taken off, how long, how often it may be redeemed."""

import secrets
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

_CREATE = ("id", "percent_off", "amount_off", "currency", "duration", "duration_in_months", "applies_to")
_LIMITS = ("max_redemptions", "redeem_by", "name", "metadata")


class Coupons(Resource):
    """`/v1/coupons`."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/coupons"
        return {
            f"POST {path}": route(self.create, _CREATE, _LIMITS),
            f"GET {path}": route(self.list_all, PAGE),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "name", "metadata"),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        _check(params, self.account.now())
        id = params.get("id") or secrets.token_hex(4)
        if self.account.find("coupon", id):
            message = f"Coupon already exists: {id}"
            raise StripeError(400, message, code="resource_already_exists", param="id")
        for product in (params.get("applies_to") or {}).get("products", ()):
            self.account.need("product", product, param="applies_to[products]")
        currency = params.get("currency")
        coupon: Object = {
            "id": id,
            "object": "coupon",
            "amount_off": params.get("amount_off"),
            "applies_to": params.get("applies_to"),
            "created": self.account.now(),
            "currency": currency.lower() if currency else None,
            "duration": params.get("duration", "once"),
            "duration_in_months": params.get("duration_in_months"),
            "livemode": False,
            "max_redemptions": params.get("max_redemptions"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "name": params.get("name"),
            "percent_off": params.get("percent_off"),
            "redeem_by": params.get("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
        }
        return self.account.save(coupon, "coupon.created")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self._as_of_now(self.account.need("coupon", id))

    def list_all(self, params: dict[str, Any]) -> Object:
        page = self.listing("coupon", params, "/v1/coupons", where=lambda held: not held.get("deleted"))
        return page | {"data": [self._as_of_now(coupon) for coupon in page["data"]]}

    def update(self, params: dict[str, Any], id: str) -> Object:
        coupon = self.account.need("coupon", id)
        changes: dict[str, Any] = {"metadata": merge_metadata(coupon["metadata"], params.get("metadata"))}
        if "name" in params:
            changes["name"] = params["name"] or None
        return self.account.update(coupon, changes, "coupon.updated")

    def delete(self, params: dict[str, Any], id: str) -> Object:
        """Nobody can redeem it any more; discounts that were given go on."""
        coupon = self.account.need("coupon", id)
        self.account.save(coupon | {"deleted": True, "valid": False})
        self.account.emit("coupon.deleted", coupon)
        return {"id": id, "object": "coupon", "deleted": True}

    def _as_of_now(self, coupon: Object) -> Object:
        return coupon | {"valid": redeemable(coupon, self.account.now())}


def redeemable(coupon: Object, now: int) -> bool:
    """Whether the coupon, or promotion code, is neither used up nor past its time."""
    limit, end = coupon["max_redemptions"], coupon.get("redeem_by") or coupon.get("expires_at")
    used_up = limit is not None and coupon["times_redeemed"] >= limit
    return not (used_up or (end is not None and end <= now) or coupon.get("deleted"))


def _check(params: dict[str, Any], now: int) -> None:
    percent, amount = params.get("percent_off"), params.get("amount_off")
    if (percent is None) == (amount is None):
        raise invalid("You must pass exactly one of percent_off and amount_off.", param="percent_off")
    if percent is not None and not 0 < percent <= 100:
        raise invalid("percent_off must be greater than 0 and at most 100.", param="percent_off")
    if amount is not None and amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param="amount_off")
    if amount is not None and "currency" not in params:
        message = "You must pass currency when passing amount_off"
        raise StripeError(400, message, code="parameter_missing", param="currency")
    if (params.get("duration") == "repeating") != ("duration_in_months" in params):
        message = "duration_in_months goes with the duration repeating, and only with it."
        raise invalid(message, param="duration_in_months")
    if params.get("redeem_by", now + 1) <= now:
        raise invalid("redeem_by must lie in the future.", param="redeem_by")
