"""The items of a subscription: read from parameters, listed, changed."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import subscription_object
from infra.local.stand_ins.stripe.catalog import make_price, plan_of
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.periods import after
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

_ITEM = ("price", "price_data", "quantity", "metadata", "id", "deleted")


class SubscriptionItems(Resource):
    """`/v1/subscription_items`, to read, and the `items` of a subscription's parameters."""

    def routes(self) -> dict[str, Route]:
        return {"GET /v1/subscription_items": route(self.list_items, PAGE, "subscription")}

    def list_items(self, params: dict[str, Any]) -> Object:
        held = self.account.need("subscription", params["subscription"], param="subscription")
        items: Object = held["items"]
        return items

    def read(self, id: str, params: dict[str, Any], trial_end: int | None) -> list[Object]:
        """The items of the new subscription `id`, their first period ending with the trial or the interval.

        Raises StripeError 400 when there are none, or prices that do not go together.
        """
        if not params.get("items"):
            raise StripeError(400, "Missing required param: items.", code="parameter_missing", param="items")
        now, items = self.account.now(), []
        for index, given in enumerate(params["items"]):
            price = self._price(given, f"items[{index}]")
            recurring = price["recurring"]
            end = trial_end or after(now, recurring["interval"], recurring["interval_count"])
            items.append(subscription_object.item(id, price, given, now, (now, end)))
        currencies = {item["price"]["currency"] for item in items}
        currencies |= {params["currency"]} if "currency" in params else set()
        if len(currencies) > 1:
            raise invalid("All items of a subscription must have the same currency.", param="items")
        return items

    def changed(self, subscription: Object, params: dict[str, Any]) -> Object:
        """Quantities and prices without proration; prorated changes are refused until they are built."""
        if params.get("proration_behavior") != "none":
            raise invalid(
                "The stand-in changes items with proration_behavior=none only.", param="proration_behavior"
            )
        items = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        first = subscription["items"]["data"][0]
        for index, given in enumerate(params["items"]):
            held = items.get(given.get("id", ""))
            if held is None:
                period = (first["current_period_start"], first["current_period_end"])
                price = self._price(given, f"items[{index}]")
                made = subscription_object.item(subscription["id"], price, given, self.account.now(), period)
                items[made["id"]] = made
            elif given.get("deleted"):
                del items[held["id"]]
            else:
                if "price" in given:
                    held["price"] = self._price(given, f"items[{index}]")
                    held["plan"] = plan_of(held["price"])
                held["quantity"] = given.get("quantity", held["quantity"])
        if not items:
            raise invalid("A subscription must have at least one active plan.", param="items")
        return dict(subscription["items"]) | {"data": [*items.values()]}

    def _price(self, given: dict[str, Any], param: str) -> Object:
        refuse_others(given, _ITEM, param)
        if isinstance(given.get("price"), dict):  # Checkout has found it already
            found: Object = given["price"]
            return found
        if data := given.get("price_data"):
            product = self.account.need("product", data["product"], param=f"{param}[price_data][product]")
            return self.account.save(make_price(data, product["id"], self.account.now()), "price.created")
        if "price" not in given:
            raise StripeError(
                400, f"Missing required param: {param}[price].", code="parameter_missing", param=param
            )
        price = self.account.need("price", given["price"], param=f"{param}[price]")
        if not price["active"]:
            raise invalid(
                "The price specified is inactive. This field only accepts active prices.", param=param
            )
        if not price["recurring"]:
            message = (
                "The price specified is set to `type=one_time` but this field only accepts recurring prices."
            )
            raise invalid(message, param=f"{param}[price]")
        return price
