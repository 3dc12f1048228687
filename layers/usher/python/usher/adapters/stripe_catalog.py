"""What an account of Stripe sells: meters, products, prices and promotion codes as plan catalogs know them.

Source: docs.stripe.com/api/products, /prices, /billing/meter, /promotion_codes (read 2026-11).
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.metering import meter_event
from usher.domain.vendor_catalog import Entry, Held, Kind, exact

PREFIX = "usher_"
"""Our products are known by how their ids begin, in every account; prices are ours that say of which plan."""


def held(calls: StripeCalls) -> Held:
    """All that is ours, archived or not, and how many things are not. Raises as `StripeCalls.call` does."""
    found: list[Entry] = []
    others: Counter[Kind] = Counter()
    for kind, path, expand, entry_of in _READERS:
        metrics = {entry.id: entry.key for entry in found if entry.kind == "meter"}
        for thing in calls.pages(path, {"expand": [expand]} if expand else {}):
            entry = entry_of(thing, metrics)
            if entry is None:
                others[kind] += 1
            else:
                found.append(entry)
    return Held(found, others)


def _meter(meter: Any, metrics: dict[str, str]) -> Entry | None:
    metric = meter["event_name"].removeprefix(meter_event(""))
    if metric == meter["event_name"]:
        return None
    words = {"name": meter["display_name"]}
    return Entry("meter", metric, {}, words, meter["id"], active=meter["status"] == "active")


def _product(product: Any, metrics: dict[str, str]) -> Entry | None:
    if not product["id"].startswith(PREFIX):
        return None
    words = {
        "name": product["name"],
        "description": product.get("description"),
        "features": [each["name"] for each in product.get("marketing_features") or ()],
    }
    return Entry("product", product["id"].removeprefix(PREFIX), {}, words, product["id"], product["active"])


def _price(price: Any, metrics: dict[str, str]) -> Entry | None:
    names, recurring, product = price.get("metadata") or {}, price.get("recurring"), str(price["product"])
    decimal = price.get("unit_amount_decimal")
    if not (product.startswith(PREFIX) and "plan" in names and recurring and decimal is not None):
        return None
    terms = {
        "plan": names["plan"],
        "product": product.removeprefix(PREFIX),
        "currency": price["currency"],
        "interval": recurring["interval"],
        "metric": metrics.get(recurring.get("meter") or ""),
        "amount": exact(Decimal(str(decimal))),
    }
    lookup = price.get("lookup_key")
    words = {"lookup_key": lookup, "name": price.get("nickname")}
    key = names.get("key") or lookup or names["plan"]
    return Entry("price", key, terms, words, price["id"], price["active"])


def _promo(code: Any, metrics: dict[str, str]) -> Entry | None:
    coupon = code["promotion"]["coupon"]
    if "promo" not in (code.get("metadata") or {}) or not isinstance(coupon, dict):
        return None
    months, ends, most = coupon["duration"], code["expires_at"], code["max_redemptions"]
    products = (coupon.get("applies_to") or {}).get("products", ())
    terms = {
        "percent_off": int(coupon["percent_off"]) if coupon["percent_off"] else None,
        "amount_off_minor": coupon["amount_off"],
        "currency": coupon["currency"],
        "months": coupon["duration_in_months"] if months == "repeating" else months,
        "products": sorted(product.removeprefix(PREFIX) for product in products),
        "last_day": _last_day(ends) if ends else None,
        "most": most,
        "new_customers_only": code["restrictions"]["first_time_transaction"],
    }
    spent = most is not None and code["times_redeemed"] >= most
    return Entry("promo", code["code"], terms, {}, code["id"], code["active"], spent)


def _last_day(ends: int) -> str:
    return (datetime.fromtimestamp(ends, UTC) - timedelta(seconds=1)).date().isoformat()


_READERS: tuple[tuple[Kind, str, str | None, Callable[[Any, dict[str, str]], Entry | None]], ...] = (
    ("meter", "/v1/billing/meters", None, _meter),
    ("product", "/v1/products", None, _product),
    ("price", "/v1/prices", None, _price),
    ("promo", "/v1/promotion_codes", "data.promotion.coupon.applies_to", _promo),
)
