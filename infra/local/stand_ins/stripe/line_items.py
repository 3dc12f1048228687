"""Line items of sessions and links: read from parameters, kept beside their owner, listed."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.catalog import Products, make_price
from infra.local.stand_ins.stripe.checkout_object import line_item
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import refuse_others, within
from infra.local.stand_ins.stripe.usage_lines import metered

_MOST = 100


class LineItems:
    """Line items of `checkout.session` and `payment_link` objects."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def read(self, given: list[dict[str, Any]]) -> list[Object]:
        """Line items, not stored; a price named by its terms is made here.

        Raises:
            StripeError: 400 for an unknown or inactive price, or for prices of several currencies.
        """
        if len(given) > _MOST:
            raise invalid("You can have at most 100 line items.", param="line_items")
        items = [self._item(each, f"line_items[{index}]") for index, each in enumerate(given)]
        if len({item["currency"] for item in items}) > 1:
            raise invalid("All line items must have the same currency.", param="line_items")
        return items

    def keep(self, owner: str, items: list[Object]) -> None:
        """Store the items of `owner`."""
        for item in items:
            self._account.state.put("item", item, owner=owner, created=self._account.now())

    def of(self, owner: str) -> list[Object]:
        """The items of `owner`, in their order."""
        return self._account.state.page("item", owner=owner, oldest_first=True)

    def page(self, owner: str, params: dict[str, Any], url: str) -> Object:
        """The items of `owner` as a list object, in their order."""
        return within(self.of(owner), params, url)

    def _item(self, given: dict[str, Any], param: str) -> Object:
        refuse_others(given, ("price", "price_data", "quantity", "metadata"), param)
        quantity = given.get("quantity", 1)
        if quantity < 1:
            raise invalid("This value must be greater than or equal to 1.", param=f"{param}[quantity]")
        price = self._price(given, param)
        if price["recurring"] and metered({"price": price}):
            if "quantity" in given:
                raise invalid("You cannot set the quantity for metered plans.", param=f"{param}[quantity]")
            quantity = None
        product = self._account.find("product", price["product"]) or {"name": price["product"]}
        item = line_item(price, quantity, product["name"])
        return item | {"metadata": given.get("metadata") or {}}

    def _price(self, given: dict[str, Any], param: str) -> Object:
        account = self._account
        if "price" in given:
            price = account.need("price", given["price"], param=f"{param}[price]")
            if not price["active"]:
                message = f"The price specified is inactive: {price['id']}. Only active prices can be used."
                raise invalid(message, param=f"{param}[price]")
            return price
        data = given.get("price_data")
        if data is None:
            message = f"You must specify either `price` or `price_data` in {param}."
            raise StripeError(400, message, code="parameter_missing", param=param)
        if "product_data" in data:
            product = Products(account).create(data["product_data"])["id"]
        else:
            product = account.need("product", data.get("product", ""), param=f"{param}[price_data]")["id"]
        made = make_price(data, product, account.now())
        made["active"] = False  # such a price is for this once
        return account.save(made, "price.created")


def mode_of(items: list[Object]) -> str:
    """What a link over these items opens: `subscription` when one of them recurs, else `payment`."""
    return "subscription" if any(item["price"]["recurring"] for item in items) else "payment"
