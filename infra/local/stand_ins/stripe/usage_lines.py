"""What metered items bill: the usage since it was last billed, counted anew until the invoice is final."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import invoice_object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.meters import Meters


@dataclass(frozen=True, slots=True)
class Used:
    """What an item that goes has yet to bill, from `since` to `until` (epoch seconds)."""

    amount: int
    quantity: int
    since: int
    until: int


class UsageLines:
    """Lines of metered prices, in arrears.

    An invoice's draft takes usage of its period for the hour until it is final; what is reported later is
    counted by the meter and billed by nobody (docs.stripe.com/billing/subscriptions/usage-based/
    configure-grace-period). Usage during a trial is free. Discounts are those of the draft.
    """

    def __init__(self, account: Account, meters: Meters) -> None:
        self._account, self._meters = account, meters

    def lines(self, subscription: Object, invoice: str, until: int | None) -> list[Object]:
        """The lines of a new draft, and usage counts as billed up to `until` (None: each item's period)."""
        lines = []
        for item in subscription["items"]["data"]:
            if not metered(item):
                continue
            since, end = self._since(subscription, item), until or item["current_period_start"]
            if since < end:
                lines.append(self._line(subscription, item, invoice, since, end))
                self._account.state.keep_note(_note(item["id"]), end)
        return lines

    def unbilled(self, subscription: Object) -> bool:
        """Whether something was used that no invoice has billed."""
        customer, now = subscription["customer"], self._account.now()
        return any(
            self._meters.usage(_meter(item["price"]), customer, self._since(subscription, item), now) > 0
            for item in subscription["items"]["data"]
            if metered(item)
        )

    def left(self, subscription: Object, item: Object) -> Used | None:
        """What was used of an item up to now and is not billed; from here on it counts as billed."""
        since, now = self._since(subscription, item), self._account.now()
        used = self._meters.usage(_meter(item["price"]), subscription["customer"], since, now)
        self._account.state.keep_note(_note(item["id"]), now)
        if used <= 0:
            return None
        return Used(_amount(used, item["price"]), _whole(used), since, now)

    def count_again(self, invoice: Object) -> None:
        """An invoice becomes final: its metered lines take what was reported since its draft was made."""
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            priced = (line["pricing"] or {}).get("price_details") or {}
            price = self._account.find("price", priced.get("price")) if details else None
            if price is None or not price["recurring"] or price["recurring"]["meter"] is None:
                continue
            period = (line["period"]["start"], line["period"]["end"])
            used = self._meters.usage(_meter(price), invoice["customer"], *period)
            amount = _amount(used, price)
            more = amount - line["amount"]
            line |= {"amount": amount, "subtotal": amount, "quantity": _whole(used)}
            for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
                invoice[name] += more

    def _line(self, subscription: Object, item: Object, invoice: str, since: int, end: int) -> Object:
        price = item["price"]
        used = self._meters.usage(_meter(price), subscription["customer"], since, end)
        product = self._account.find("product", price["product"]) or {"name": price["product"]}
        of_period = item | {"current_period_start": since, "current_period_end": end}
        text = f"{product['name']} (metered, per {price['recurring']['interval']})"
        line = invoice_object.line(subscription, of_period, _amount(used, price), text, invoice)
        return line | {"quantity": _whole(used)}

    def _since(self, subscription: Object, item: Object) -> int:
        billed: int = self._account.state.note(_note(item["id"])) or item["created"]
        return max(billed, subscription["trial_end"] or 0)


def metered(item: Object) -> bool:
    """Whether a subscription's item is billed by what was used."""
    return item["price"]["recurring"]["meter"] is not None


def _meter(price: Object) -> str:
    return str(price["recurring"]["meter"])


def _note(item: str) -> str:
    return f"usage of {item} is billed until"


def _amount(used: Decimal, price: Object) -> int:
    """Never below nothing; rounded half up to the minor unit."""
    amount = max(used, Decimal(0)) * Decimal(price["unit_amount_decimal"])
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _whole(used: Decimal) -> int:
    return int(max(used, Decimal(0)).quantize(Decimal(1), ROUND_HALF_UP))
