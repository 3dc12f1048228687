"""The items of a subscription: read from parameters, listed, changed."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import subscription_object
from infra.local.stand_ins.stripe.account import merge_metadata
from infra.local.stand_ins.stripe.catalog import make_price, plan_of
from infra.local.stand_ins.stripe.errors import StripeError, invalid, missing
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

    def changed(self, subscription: Object, given: list[dict[str, Any]]) -> list[Object]:
        """The items after a change: others added, prices or quantities changed, some deleted.

        A price that is changed sets the quantity to 1 unless one is given.
        Source: docs.stripe.com/api/subscriptions/update.
        """
        items = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        first = subscription["items"]["data"][0]
        for index, each in enumerate(given):
            held = items.get(each.get("id", ""))
            if each.get("id") and held is None:
                raise missing("subscription_item", each["id"], param=f"items[{index}][id]", status=400)
            if held is None:
                period = (first["current_period_start"], first["current_period_end"])
                price = self._price(each, f"items[{index}]")
                made = subscription_object.item(subscription["id"], price, each, self.account.now(), period)
                items[made["id"]] = made
            elif each.get("deleted"):
                del items[held["id"]]
            else:
                self._change(held, each, f"items[{index}]")
        if not items:
            raise invalid("A subscription must have at least one active plan.", param="items")
        self._check_together([*items.values()], subscription["currency"])
        return [*items.values()]

    def _change(self, held: Object, given: dict[str, Any], param: str) -> None:
        if "price" in given or "price_data" in given:
            price = self._price(given, param)
            if price["id"] != held["price"]["id"]:
                quantity = None if price["recurring"]["meter"] else 1
                held |= {"price": price, "plan": plan_of(price), "quantity": quantity}
        else:
            refuse_others(given, _ITEM, param)
        held["quantity"] = given.get("quantity", held["quantity"])
        if (held["quantity"] or 0) < 0:
            raise invalid("This value must be greater than or equal to 0.", param=f"{param}[quantity]")
        held["metadata"] = merge_metadata(held["metadata"], given.get("metadata"))

    def _check_together(self, items: list[Object], currency: str) -> None:
        if others := {item["price"]["currency"] for item in items} - {currency}:
            message = f"The price specified only supports `{min(others)}`. This doesn't match the expected "
            raise invalid(f"{message}currency: `{currency}`.", param="items")
        intervals = [item["price"]["recurring"] for item in items]
        if len({(each["interval"], each["interval_count"]) for each in intervals}) > 1:
            raise invalid("The stand-in wants one billing interval for all items.", param="items")

    def _price(self, given: dict[str, Any], param: str) -> Object:
        refuse_others(given, _ITEM, param)
        price = self._found_price(given, param)
        if price["recurring"]["meter"] and "quantity" in given:
            raise invalid("You cannot set the quantity for metered plans.", param=f"{param}[quantity]")
        return price

    def _found_price(self, given: dict[str, Any], param: str) -> Object:
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
