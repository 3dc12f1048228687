"""Products and prices."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

_PRODUCT = (
    "name",
    "description",
    "active",
    "images",
    "metadata",
    "marketing_features",
    "statement_descriptor",
)
_PRODUCT_FIELDS = (*_PRODUCT, "unit_label", "url", "shippable", "tax_code")
_PRICE_CHANGES = ("active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key")


class Products(Resource):
    """`/v1/products`."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/products"
        return {
            f"POST {path}": route(self.create, _PRODUCT_FIELDS, "id", "default_price_data"),
            f"GET {path}": route(self.list_all, PAGE, "active", "ids"),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _PRODUCT_FIELDS, "default_price"),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        id = params.get("id") or new_id("product")
        if account.find("product", id):
            raise StripeError(
                400, f"Product already exists: {id}", code="resource_already_exists", param="id"
            )
        product: Object = {
            "id": id,
            "object": "product",
            "active": True,
            "created": account.now(),
            "default_price": None,
            "description": None,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": {},
            "name": params["name"],
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": account.now(),
            "url": None,
        }
        product |= {name: params[name] for name in _PRODUCT_FIELDS if name in params and name != "metadata"}
        product["metadata"] = merge_metadata({}, params.get("metadata"))
        if data := params.get("default_price_data"):
            price = make_price(data, id, account.now())
            account.save(price, "price.created")
            product["default_price"] = price["id"]
        return account.save(product, "product.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        ids, active = params.get("ids"), params.get("active")

        def wanted(product: Object) -> bool:
            return (not ids or product["id"] in ids) and active in (None, product["active"])

        return self.listing("product", params, "/v1/products", where=wanted)

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("product", params, "/v1/products/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("product", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        product = self.account.need("product", id)
        changes = {name: value if value != "" else None for name, value in params.items() if name != "expand"}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(product["metadata"], params["metadata"])
        changes["updated"] = self.account.now()
        return self.account.update(product, changes, "product.updated")

    def delete(self, params: dict[str, Any], id: str) -> Object:
        product = self.account.need("product", id)
        if self.account.state.page("price", owner=id, limit=1):
            raise invalid("This product cannot be deleted because it has one or more user-created prices.")
        self.account.state.delete("product", id)
        self.account.emit("product.deleted", product)
        return {"id": id, "object": "product", "deleted": True}


class Prices(Resource):
    """`/v1/prices`."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/prices"
        terms = ("currency", "unit_amount", "unit_amount_decimal", "recurring", "product", "product_data")
        filters = ("active", "currency", "lookup_keys", "product", "recurring", "type")
        return {
            f"POST {path}": route(self.create, _PRICE_CHANGES, terms, "billing_scheme"),
            f"GET {path}": route(self.list_all, PAGE, filters),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _PRICE_CHANGES),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        if data := params.get("product_data"):
            product = Products(account).create(data)["id"]
        elif "product" in params:
            product = account.need("product", params["product"], param="product")["id"]
        else:
            raise StripeError(
                400, "You must specify either `product` or `product_data`.", code="parameter_missing"
            )
        if meter := (params.get("recurring") or {}).get("meter"):
            account.need("billing.meter", meter, param="recurring[meter]")
        price = make_price(params, product, account.now())
        self._take_lookup_key(params)
        return account.save(price, "price.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        keys = params.get("lookup_keys")

        def wanted(price: Object) -> bool:
            simple = all(
                price[name] == params[name] for name in ("active", "currency", "type") if name in params
            )
            recurring = params.get("recurring") or {}
            return (
                simple
                and (not keys or price["lookup_key"] in keys)
                and all((price["recurring"] or {}).get(name) == value for name, value in recurring.items())
            )

        label = keys[0] if keys and len(keys) == 1 else None
        return self.listing(
            "price", params, "/v1/prices", owner=params.get("product"), label=label, where=wanted
        )

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("price", params, "/v1/prices/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("price", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        price = self.account.need("price", id)
        names = [name for name in _PRICE_CHANGES if name in params and name != "transfer_lookup_key"]
        changes = {name: params[name] if params[name] != "" else None for name in names}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(price["metadata"], params["metadata"])
        if changes.get("lookup_key") not in (None, price["lookup_key"]):
            self._take_lookup_key(params)
        return self.account.update(price, changes, "price.updated")

    def _take_lookup_key(self, params: dict[str, Any]) -> None:
        key = params.get("lookup_key")
        holder = self.account.state.find("price", key) if key else None
        if holder is None:
            return
        if not params.get("transfer_lookup_key"):
            raise invalid(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
        self.account.update(holder, {"lookup_key": None}, "price.updated")


def make_price(params: dict[str, Any], product: str, now: int) -> Object:
    """A price object from create parameters, not stored."""
    amount, decimal = params.get("unit_amount"), params.get("unit_amount_decimal")
    if amount is None and decimal is None:
        message = "You must specify either `unit_amount` or `unit_amount_decimal`, as well as `currency`."
        raise StripeError(400, message, code="parameter_missing", param="unit_amount")
    if amount is None and str(decimal).isdigit():
        amount = int(str(decimal))
    recurring = params.get("recurring")
    if recurring:
        terms = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
        recurring = {**terms, **recurring}
        if (recurring["meter"] is None) == (recurring["usage_type"] == "metered"):
            message = "Prices with usage_type=metered, and only those, must be backed by a meter."
            raise invalid(message, param="recurring[meter]")
    return {
        "id": new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": now,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": merge_metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(decimal if decimal is not None else amount),
    }


def plan_of(price: Object) -> Object:
    """The legacy plan that a subscription item still carries beside its price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def price_details(price: Object) -> Object:
    """What a line of an invoice says about its price."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }
