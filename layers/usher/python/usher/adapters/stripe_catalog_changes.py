"""Changes of what one account of Stripe sells: things made, given other words, brought back and archived.

Source: docs.stripe.com/api/products, /prices, /billing/meter, /coupons, /promotion_codes (read 2026-11).
A price's amount cannot be changed there, nor what a coupon takes off; whatever was archived can come back.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_catalog import PREFIX
from usher.domain.errors import VendorRejected
from usher.domain.metering import meter_event
from usher.domain.vendor_catalog import Change, Entry, Held, Kind


class CatalogChanges:
    """Makes changes in one account, of which `held` was read before."""

    def __init__(self, calls: StripeCalls, held: Held) -> None:
        self._calls = calls
        meters = [entry for entry in held.entries if entry.kind == "meter"]
        self._meters = {entry.key: entry.id for entry in sorted(meters, key=lambda entry: entry.active)}

    def make(self, change: Change) -> None:
        """Do it; done again, it does nothing more. Raises VendorRejected, VendorUnavailable.

        A price hands its key over before it is archived, so that somebody can always buy. Two promotion codes
        of one name cannot be active at once.
        """
        retired_first = change.kind == "promo"
        if retired_first:
            self._archive_all(change.retires)
        if change.wanted is not None:
            if change.revives is not None:
                self._bring_back(change.revives, change.wanted)
            else:
                self._make(change.wanted)
        if not retired_first:
            self._archive_all(change.retires)

    def _make(self, want: Entry) -> None:
        match want.kind:
            case "meter":
                self._meter(want)
            case "product":
                self._product(want)
            case "price":
                self._price(want)
            case "promo":
                self._promo(want)

    def _meter(self, want: Entry) -> None:
        sums = {"default_aggregation": {"formula": "sum"}}
        params = {**_words(want), "event_name": meter_event(want.key), **sums}
        self._meters[want.key] = self._create("/v1/billing/meters", params, want)["id"]

    def _product(self, want: Entry) -> None:
        params = {"id": PREFIX + want.key, **_words(want), "metadata": {"product": want.key}}
        self._create("/v1/products", {name: value for name, value in params.items() if value != ""}, want)

    def _price(self, want: Entry) -> None:
        terms = want.terms
        recurring = {"interval": terms["interval"]}
        if terms["metric"]:
            recurring |= {"usage_type": "metered", "meter": self._meters[terms["metric"]]}
        params = {
            "product": PREFIX + terms["product"],
            "currency": terms["currency"],
            "unit_amount_decimal": terms["amount"],
            "recurring": recurring,
            **_words(want),
            "metadata": {"plan": terms["plan"], "key": want.key},
        }
        self._create("/v1/prices", params, want)

    def _promo(self, want: Entry) -> None:
        terms, months, names = want.terms, want.terms["months"], {"promo": want.key}
        lasts = {"duration": "repeating", "duration_in_months": months} if isinstance(months, int) else {}
        products = [PREFIX + product for product in terms["products"]]
        off = {
            "percent_off": terms["percent_off"],
            "amount_off": terms["amount_off_minor"],
            "currency": terms["currency"],
            "applies_to": {"products": products} if products else None,
        }
        coupon = _present({"duration": months, **lasts, **off, "name": want.key, "metadata": names})
        coupon["id"] = f"{PREFIX}{want.key}_{_digest(coupon)}"
        self._create("/v1/coupons", coupon, want)
        code = {
            "promotion": {"type": "coupon", "coupon": coupon["id"]},
            "code": want.key,
            "max_redemptions": terms["most"],
            "expires_at": _end_of(terms["last_day"]) if terms["last_day"] else None,
            "restrictions": {"first_time_transaction": terms["new_customers_only"]},
            "metadata": names,
        }
        self._create("/v1/promotion_codes", _present(code), want)

    def _create(self, path: str, params: dict[str, Any], want: Entry) -> dict[str, Any]:
        """Once for these terms, as long as the key is kept; after that what there is is found and used."""
        key = f"catalog/{want.kind}/{want.key}/{_digest(params)}"
        try:
            return self._calls.call("post", path, params, key)
        except VendorRejected as error:
            if error.code != "resource_already_exists":
                raise
            return {}

    def _bring_back(self, former: Entry, want: Entry) -> None:
        path, state = f"{_PATHS[former.kind]}/{former.id}", {"active": True}
        if former.kind == "meter":
            state = {}
            if not former.active:
                self._calls.call("post", f"{path}/reactivate")
        self._calls.call("post", path, _words(want) | state)

    def _archive_all(self, entries: tuple[Entry, ...]) -> None:
        for former in entries:
            path = f"{_PATHS[former.kind]}/{former.id}"
            if former.kind == "meter":
                self._calls.call("post", f"{path}/deactivate")
            else:
                self._calls.call("post", path, {"active": False})


_PATHS: dict[Kind, str] = {
    "meter": "/v1/billing/meters",
    "product": "/v1/products",
    "price": "/v1/prices",
    "promo": "/v1/promotion_codes",
}


def _words(entry: Entry) -> dict[str, Any]:
    """What can be changed later on, as Stripe's parameters; "" takes a value away."""
    words = entry.words
    if entry.kind == "meter":
        return {"display_name": words["name"]}
    if entry.kind == "product":
        features = [{"name": each} for each in words["features"]]
        about = {"name": words["name"], "description": words["description"] or ""}
        return about | {"marketing_features": features or ""}
    if entry.kind == "price":
        return {"lookup_key": words["lookup_key"], "transfer_lookup_key": True, "nickname": words["name"]}
    return {}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _end_of(day: str) -> int:
    """Epoch seconds of the end of a day (UTC)."""
    return int(datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC).timestamp())


def _present(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
