"""Changes of a subscription's items: what is given back, what is charged, what is invoiced at once."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.billed_time import BilledTime
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.invoice_drafts import InvoiceDrafts
from infra.local.stand_ins.stripe.invoice_items import InvoiceItems
from infra.local.stand_ins.stripe.periods import after
from infra.local.stand_ins.stripe.proration import share
from infra.local.stand_ins.stripe.subscription_items import SubscriptionItems
from infra.local.stand_ins.stripe.usage_lines import UsageLines, metered

BEHAVIORS = ("create_prorations", "always_invoice", "none")


class SubscriptionChanges:
    """Prorates; nothing here is finalized or paid.

    Sources of the rules: docs.stripe.com/billing/subscriptions/prorations, …/change-price and
    …/usage-based/manage-billing-setup (flexible billing mode: a metered price that goes bills what was
    used up to then as an invoice item, and nothing with proration_behavior=none).
    """

    def __init__(
        self,
        account: Account,
        items: SubscriptionItems,
        drafts: InvoiceDrafts,
        pending: InvoiceItems,
        billed: BilledTime,
        discounts: Discounts,
        usage: UsageLines,
    ) -> None:
        self._account, self._items, self._drafts = account, items, drafts
        self._pending, self._billed, self._discounts = pending, billed, discounts
        self._usage = usage

    def apply(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object | None:
        """Change the items of `subscription`, which the caller stores.

        Returns:
            the draft of the invoice that is due at once, None when there is none.

        Raises:
            StripeError: 400 for items or a date that cannot be.
        """
        behavior, moment = self._terms(subscription, params)
        before = subscription["items"]["data"]
        now = self._items.changed(subscription, params.get("items") or [])
        restarts = _restarts(subscription, before, now, params)
        prorates = behavior != "none" and subscription["status"] not in ("trialing", "paused")
        touched = _touched(before, now)
        stale = [item for item in before if restarts or item["id"] in touched]
        used = self._bill_usage(subscription, now, bills=prorates)
        made = used + (self._unused(subscription, stale, moment) if prorates else 0)
        if restarts and not prorates:
            for item in stale:
                self._billed.forget(item["id"])
        subscription["items"] = subscription["items"] | {"data": now}
        if restarts:
            self._restart(subscription)
        elif prorates:
            made += self._remaining(subscription, [each for each in now if each["id"] in touched], moment)
        if restarts or (made and behavior == "always_invoice"):
            return self.invoice(subscription, customer, periods=restarts)
        return None

    def renewed_as(self, subscription: Object, items: list[dict[str, Any]], behavior: str) -> None:
        """The next period, which begins now, is over these items; what is left to bill is usage alone."""
        changed = self._items.changed(subscription, items)
        self._bill_usage(subscription, changed, bills=behavior != "none")
        subscription["items"] = subscription["items"] | {"data": changed}

    def owes_more(self, subscription: Object) -> bool:
        """Whether a last invoice would be over something."""
        return self._drafts.owes_more(subscription)

    def invoice(
        self, subscription: Object, customer: Object, *, periods: bool = False, last: bool = False
    ) -> Object:
        """The draft over what is pending, with the items' periods, or usage up to now, if asked for."""
        draft = self._drafts.make(subscription, customer, "subscription_update", periods=periods, last=last)
        subscription["latest_invoice"] = draft["id"]
        return draft

    def give_back(self, subscription: Object, moment: int) -> int:
        """Credit everything that was billed for the time from `moment`; returns how many credits."""
        return self._unused(subscription, subscription["items"]["data"], moment)

    def charge_remaining(self, subscription: Object, moment: int) -> int:
        """Charge every item for the time from `moment` to its period's end; returns how many charges."""
        return self._remaining(subscription, subscription["items"]["data"], moment)

    def _terms(self, subscription: Object, params: dict[str, Any]) -> tuple[str, int]:
        behavior = params.get("proration_behavior") or "create_prorations"
        if behavior not in BEHAVIORS:
            raise invalid(f"Invalid proration_behavior: must be one of {', '.join(BEHAVIORS)}.")
        now = self._account.now()
        moment = params.get("proration_date") or now
        first = subscription["items"]["data"][0]
        if not first["current_period_start"] <= moment <= first["current_period_end"]:
            message = "The proration_date must lie within the current period of the subscription."
            raise invalid(message, param="proration_date")
        return behavior, moment

    def _bill_usage(self, subscription: Object, now: list[Object], *, bills: bool) -> int:
        """Bill what was used of metered prices that go; returns how many charges that made."""
        stays, made = {(item["id"], item["price"]["id"]) for item in now}, 0
        for item in subscription["items"]["data"]:
            if not metered(item) or (item["id"], item["price"]["id"]) in stays:
                continue
            used = self._usage.left(subscription, item)
            if used and bills:
                self._pending.charge_usage(subscription, item, used, self._drafts.product_name(item))
                made += 1
        return made

    def _unused(self, subscription: Object, items: list[Object], moment: int) -> int:
        made = 0
        for item in items:
            for credit in self._billed.credit(item["id"], moment):
                self._pending.give_back(subscription, item, credit)
                made += 1
        return made

    def _remaining(self, subscription: Object, items: list[Object], moment: int) -> int:
        """Charge `items` for the rest of their period, less the subscription's discounts."""
        every = subscription["items"]["data"]
        full = [(each["price"]["unit_amount"] or 0) * (each["quantity"] or 0) for each in every]
        left = self._discounts.net(full, subscription, [each["price"]["product"] for each in every])
        net = dict(zip((each["id"] for each in every), left, strict=True))
        made = 0
        for item in items:
            start, end = item["current_period_start"], item["current_period_end"]
            amount = share(net[item["id"]], start, end, moment)
            if amount:
                name = self._drafts.product_name(item)
                self._pending.charge(subscription, item, amount, name, (moment, end))
                made += 1
        return made

    def _restart(self, subscription: Object) -> None:
        """The billing cycle begins now."""
        now = self._account.now()
        items = []
        for item in subscription["items"]["data"]:
            recurring = item["price"]["recurring"]
            end = after(now, recurring["interval"], recurring["interval_count"])
            items.append(item | {"current_period_start": now, "current_period_end": end})
        subscription["items"] = subscription["items"] | {"data": items}
        subscription["billing_cycle_anchor"] = now


def _restarts(subscription: Object, before: list[Object], now: list[Object], params: dict[str, Any]) -> bool:
    """Whether the billing date moves: on demand, with another interval, or when a free one begins to cost."""
    if subscription["status"] in ("trialing", "paused"):
        return False
    if (params.get("billing_cycle_anchor") or {}).get("type") == "now":
        return True
    return interval_of(before) != interval_of(now) or (_free(before) and not _free(now))


def interval_of(items: list[Object]) -> tuple[str, int]:
    """The billing interval that the items share."""
    recurring = items[0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _free(items: list[Object]) -> bool:
    return not any((item["price"]["unit_amount"] or 0) * (item["quantity"] or 0) for item in items)


def _touched(before: list[Object], now: list[Object]) -> set[str]:
    """The ids of items that came, went, or have another price or quantity."""
    was = {item["id"]: (item["price"]["id"], item["quantity"]) for item in before}
    is_ = {item["id"]: (item["price"]["id"], item["quantity"]) for item in now}
    return {id for id in was.keys() | is_.keys() if was.get(id) != is_.get(id)}
