"""Offers by Stripe: coupons and promotion codes.

Source: docs.stripe.com/api/coupons, /promotion_codes (read 2026-11).
"""

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import VendorRejected


class StripeOffers:
    """Fulfils `Offers` of ports/checkout.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def promotion_code(self, code: str) -> str | None:
        found = self._calls.call("get", "/v1/promotion_codes", {"code": code, "active": True, "limit": 1})
        return str(found["data"][0]["id"]) if found["data"] else None

    def coupon(self, *, percent_off: int, months: int) -> str:
        id = f"usher-{percent_off}-percent-{months}-months"
        params = {
            "id": id,
            "percent_off": percent_off,
            "duration": "repeating",
            "duration_in_months": months,
            "name": f"{percent_off} % off for {months} months",
        }
        try:
            self._calls.call("post", "/v1/coupons", params)
        except VendorRejected as error:
            if error.code != "resource_already_exists":
                raise
        return id
