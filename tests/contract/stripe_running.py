"""A subscription on a test clock of its own at the Stripe stand-in, seen through the real SDK."""

from datetime import UTC, datetime
from typing import Any

from tests.contract.stripe_shop import Shop

DAY = 86_400


def moment(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


class Running:
    """A subscription on a test clock of its own."""

    def __init__(self, shop: Shop, start: int, *amounts: int, **more: Any) -> None:
        self.shop, self.api = shop, shop.api
        self.clock = self.api.test_helpers.test_clocks.create({"frozen_time": start}).id
        self.currency, self.interval = more.pop("currency", "usd"), more.pop("interval", "month")
        self.customer = shop.customer(more.pop("method", "pm_card_visa"), test_clock=self.clock)
        items = [{"price": self.price(amount), "quantity": more.pop("quantity", 1)} for amount in amounts]
        self.id = self.api.subscriptions.create({"customer": self.customer.id, "items": items, **more}).id

    def price(self, amount: int, interval: str | None = None) -> str:
        product = self.api.products.create({"name": f"Plan {amount}"}).id
        recurring = {"interval": interval or self.interval}
        terms = {"product": product, "currency": self.currency, "unit_amount": amount}
        return str(self.api.prices.create({**terms, "recurring": recurring}).id)

    def at(self, when: int) -> "Running":
        self.api.test_helpers.test_clocks.advance(self.clock, {"frozen_time": when})
        return self

    def now(self, *expand: str) -> Any:
        return self.api.subscriptions.retrieve(self.id, {"expand": list(expand)})

    def item(self, index: int = 0) -> str:
        return str(self.now()["items"].data[index].id)

    def to(self, price: str, behavior: str = "always_invoice", **more: Any) -> Any:
        """Change the first item's price; returns the latest invoice."""
        items = [{"id": self.item(), "price": price, "quantity": more.pop("quantity", 1)}]
        change = {"items": items, "proration_behavior": behavior, **more}
        expand = {"expand": ["latest_invoice"]}
        return self.api.subscriptions.update(self.id, {**change, **expand}).latest_invoice

    def preview(self, **details: Any) -> Any:
        order = {"subscription": self.id, "subscription_details": details} if details else {}
        return self.api.invoices.create_preview(order or {"subscription": self.id})

    def invoices(self) -> list[Any]:
        """Oldest first."""
        return list(self.api.invoices.list({"subscription": self.id, "limit": 100}).data)[::-1]

    def balance(self) -> int:
        return int(self.api.customers.retrieve(self.customer.id).balance)

    def happened(self) -> int:
        """How many events there are, of anybody."""
        return int(self.shop.control("GET", "/_control/objects?kind=event")["counts"]["event"])

    def events(self) -> list[str]:
        """Types of what happened to this subscription and its customer's invoices, oldest first."""
        mine = {self.id, self.customer.id}
        found = [*self.api.events.list({"limit": 100}).auto_paging_iter()][::-1]
        objects = [(event.type, event.data.object) for event in found]
        return [
            kind
            for kind, each in objects
            if {getattr(each, "id", None), getattr(each, "customer", None)} & mine
        ]


def amounts(invoice: Any) -> list[int]:
    return [line.amount for line in invoice.lines.data]
