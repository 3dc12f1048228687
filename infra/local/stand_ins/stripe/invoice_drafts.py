"""What an invoice is over: pending items first, then the items' current periods, less discounts."""

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import invoice_object
from infra.local.stand_ins.stripe.account import Account, new_id
from infra.local.stand_ins.stripe.billed_time import Billed, BilledTime
from infra.local.stand_ins.stripe.customer_balance import due_after
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.invoice_items import InvoiceItems
from infra.local.stand_ins.stripe.usage_lines import UsageLines, metered


class InvoiceDrafts:
    """Drafts for subscriptions."""

    def __init__(
        self,
        account: Account,
        discounts: Discounts,
        pending: InvoiceItems,
        billed: BilledTime,
        usage: UsageLines,
    ) -> None:
        self._account, self._discounts = account, discounts
        self._pending, self._billed, self._usage = pending, billed, usage

    def make(
        self,
        subscription: Object,
        customer: Object,
        reason: str,
        *,
        trial: bool = False,
        periods: bool = True,
        last: bool = False,
    ) -> Object:
        """A stored draft.

        It may use up discounts of `subscription`, which the caller stores.

        Args:
            trial: the current periods are a trial and cost nothing.
            periods: whether the items' current periods are on it, or pending items only.
            last: no invoice follows, so that usage up to now is on it.
        """
        account, id = self._account, new_id("invoice")
        lines = self._pending_lines(subscription, id)
        if periods:
            paid_ahead = [item for item in subscription["items"]["data"] if not metered(item)]
            lines += [self._line(subscription, item, id, trial) for item in paid_ahead]
        used: list[Object] = []
        if last or (periods and reason != "subscription_create"):
            used = self._usage.lines(subscription, id, account.now() if last else None)
        ahead, lines = lines, lines + used
        taken = self._discounts.reduce(lines, subscription) if subscription["discounts"] else []
        now, currency = account.now(), subscription["currency"]
        invoice = invoice_object.draft(id, customer, currency, lines, now, subscription, reason, taken)
        due, _ = due_after(invoice["total"], customer["balance"])
        invoice |= {"starting_balance": customer["balance"], "amount_due": due, "amount_remaining": due}
        for line in ahead:
            self._remember(line)
        return account.save(invoice, "invoice.created")

    def owes_more(self, subscription: Object) -> bool:
        """Whether something is pending, or was used, that no invoice has billed."""
        pending = self._pending.pending(subscription["customer"], subscription["id"])
        return bool(pending) or self._usage.unbilled(subscription)

    def product_name(self, item: Object) -> str:
        """The name of what the subscription item sells."""
        product = self._account.find("product", item["price"]["product"])
        return str(product["name"] if product else item["price"]["product"])

    def _pending_lines(self, subscription: Object, invoice: str) -> list[Object]:
        lines = []
        for item in self._pending.pending(subscription["customer"], subscription["id"]):
            line = invoice_object.line_of_item(item, invoice)
            self._pending.take(item, invoice, line["id"])
            lines.append(line)
        return lines

    def _line(self, subscription: Object, item: Object, invoice: str, trial: bool) -> Object:
        price, quantity, name = item["price"], item["quantity"] or 1, self.product_name(item)
        if trial:
            return invoice_object.line(subscription, item, 0, f"Trial period for {name}", invoice)
        text = f"{quantity} x {name} (per {price['recurring']['interval']})"
        return invoice_object.line(subscription, item, (price["unit_amount"] or 0) * quantity, text, invoice)

    def _remember(self, line: Object) -> None:
        details = line["parent"]["subscription_item_details"]
        if details is None or details["proration"]:
            return
        amount = line["amount"] - sum(each["amount"] for each in line["discount_amounts"])
        period, text = line["period"], line["description"].partition(" (per ")[0]
        text = text.removeprefix("1 x ").replace(" x ", " × ", 1)
        billed = Billed(
            amount, period["start"], period["end"], line["id"], line["invoice"], line["quantity"] or 1, text
        )
        self._billed.charge(details["subscription_item"], billed)
