"""Invoice items: amounts that wait for the next invoice, most of them prorations."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.billed_time import Billed, BilledTime, Credit
from infra.local.stand_ins.stripe.catalog import price_details
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from infra.local.stand_ins.stripe.usage_lines import Used

_CREATE = ("customer", "amount", "currency", "description", "metadata", "subscription", "period")


class InvoiceItems(Resource):
    """`/v1/invoiceitems`, and the prorations that changes of subscriptions leave."""

    def __init__(self, account: Account, billed: BilledTime) -> None:
        super().__init__(account)
        self._billed = billed

    def routes(self) -> dict[str, Route]:
        path = "/v1/invoiceitems"
        return {
            f"POST {path}": route(self.create, _CREATE),
            f"GET {path}": route(self.list_all, PAGE, "customer", "invoice", "pending"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        customer = self.account.need("customer", params["customer"], param="customer")
        self.account.use_clock_of(customer)
        if "amount" not in params or "currency" not in params:
            raise invalid("The stand-in makes invoice items from amount and currency.", param="amount")
        subscription = params.get("subscription")
        if subscription:
            self.account.need("subscription", subscription, param="subscription")
        now = self.account.now()
        item = self._item(customer["id"], params["amount"], params["currency"].lower(), now)
        item |= {"description": params.get("description"), "discountable": params["amount"] > 0}
        item |= {"metadata": merge_metadata({}, params.get("metadata"))}
        item |= {"period": params.get("period") or {"start": now, "end": now}}
        if subscription:
            item["parent"] = _parent(subscription, None)
        return self.account.save(item, "invoiceitem.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        invoice, pending = params.get("invoice"), params.get("pending")

        def wanted(item: Object) -> bool:
            fits = invoice is None or item["invoice"] == invoice
            return fits and (pending is None or (item["invoice"] is None) == pending)

        url, owner = "/v1/invoiceitems", params.get("customer")
        return self.listing("invoiceitem", params, url, owner=owner, where=wanted)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("invoiceitem", id)

    def delete(self, params: dict[str, Any], id: str) -> Object:
        item = self.account.need("invoiceitem", id)
        if item["invoice"]:
            raise invalid("This invoice item is on an invoice and can no longer be deleted.")
        self.account.state.delete("invoiceitem", id)
        self.account.emit("invoiceitem.deleted", item)
        return {"id": id, "object": "invoiceitem", "deleted": True}

    # -- prorations ------------------------------------------------------------------------------

    def give_back(self, subscription: Object, item: Object, credit: Credit) -> Object:
        """The pending credit for time that is not used."""
        billed = credit.billed
        period = (credit.start, billed.end)
        description = f"Unused time on {billed.description}"
        credited: Object = {"invoice_item": billed.source, "type": "invoice_item"}
        credited |= {"invoice_line_item_details": None}
        if billed.invoice:
            lines = {"invoice": billed.invoice, "invoice_line_items": [billed.source]}
            credited |= {"invoice_item": None, "invoice_line_item_details": lines}
            credited["type"] = "invoice_line_items"
        terms = (-credit.amount, billed.quantity, description, period)
        return self._proration(subscription, item, terms, credited)

    def charge(
        self, subscription: Object, item: Object, amount: int, name: str, period: tuple[int, int]
    ) -> Object:
        """The pending charge for the remaining time; remembered as billed."""
        quantity = item["quantity"] or 1
        text = f"{quantity} × {name}" if quantity > 1 else name
        terms = (amount, quantity, f"Remaining time on {text}", period)
        made = self._proration(subscription, item, terms, None)
        self._billed.charge(item["id"], Billed(amount, *period, made["id"], None, quantity, text))
        return made

    def charge_usage(self, subscription: Object, item: Object, used: Used, name: str) -> Object:
        """The pending charge for what a metered item that goes was used for; it is counted no more."""
        made = self._item(subscription["customer"], used.amount, subscription["currency"], self.account.now())
        made |= {"description": f"Usage of {name}", "period": {"start": used.since, "end": used.until}}
        made |= {"quantity": used.quantity, "quantity_decimal": str(used.quantity)}
        made |= {"parent": _parent(subscription["id"], None), "pricing": price_details(item["price"])}
        made["test_clock"] = subscription["test_clock"]
        return self.account.save(made, "invoiceitem.created")

    def pending(self, customer: str, subscription: str) -> list[Object]:
        """What waits for the next invoice of the subscription, oldest first."""
        held = self.account.state.page("invoiceitem", owner=customer, oldest_first=True)
        mine = (None, subscription)
        return [each for each in held if each["invoice"] is None and _subscription_of(each) in mine]

    def take(self, item: Object, invoice: str, line: str) -> None:
        """A pending item has become a line of an invoice."""
        self.account.save(item | {"invoice": invoice})
        details = (item["parent"] or {}).get("subscription_details") or {}
        if details.get("subscription_item"):
            self._billed.invoiced(details["subscription_item"], item["id"], invoice, line)

    def drop_prorations(self, customer: str, subscription: str) -> None:
        """Forget pending prorations, as a cancellation without them does."""
        for item in self.pending(customer, subscription):
            if item["proration"]:
                self.account.state.delete("invoiceitem", item["id"])
                self.account.emit("invoiceitem.deleted", item)

    def _proration(
        self,
        subscription: Object,
        item: Object,
        terms: tuple[int, int, str, tuple[int, int]],
        credited: Object | None,
    ) -> Object:
        amount, quantity, description, (start, end) = terms
        made = self._item(subscription["customer"], amount, subscription["currency"], self.account.now())
        made |= {"description": description, "discountable": False, "net_amount": amount, "proration": True}
        made |= {"period": {"start": start, "end": end}, "quantity": quantity}
        made["quantity_decimal"] = str(quantity)
        made["parent"] = _parent(subscription["id"], item["id"])
        made["pricing"] = price_details(item["price"])
        made["proration_details"] = {"credited_items": credited, "discount_amounts": []}
        made["test_clock"] = subscription["test_clock"]
        return self.account.save(made, "invoiceitem.created")

    def _item(self, customer: str, amount: int, currency: str, now: int) -> Object:
        return {
            "id": new_id("invoiceitem"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": currency,
            "customer": customer,
            "date": now,
            "description": None,
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "net_amount": None,
            "parent": None,
            "period": {"start": now, "end": now},
            "pricing": None,
            "proration": False,
            "proration_details": None,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": None,
        }


def _parent(subscription: str, item: str | None) -> Object:
    details = {"subscription": subscription, "subscription_item": item}
    return {"subscription_details": details, "type": "subscription_details"}


def _subscription_of(item: Object) -> str | None:
    parent = item["parent"]
    return parent["subscription_details"]["subscription"] if parent else None
