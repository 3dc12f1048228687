"""Paused subscriptions: neither service nor invoices until they are resumed."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.periods import period_at
from infra.local.stand_ins.stripe.resource import refuse_others
from infra.local.stand_ins.stripe.subscription_changes import BEHAVIORS, SubscriptionChanges
from infra.local.stand_ins.stripe.subscription_life import SubscriptionLife, paused


class SubscriptionPauses:
    """Pauses and resumes.

    Source: docs.stripe.com/billing/subscriptions/pause and docs.stripe.com/api/subscriptions/resume.
    """

    def __init__(
        self, account: Account, invoices: Invoices, changes: SubscriptionChanges, life: SubscriptionLife
    ) -> None:
        self._account, self._invoices = account, invoices
        self._changes, self._life = changes, life

    def pause(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object:
        """No invoices from now on; unused time is credited as `bill_for` says, by default from now."""
        _check_pausable(subscription)
        before, now = dict(subscription), self._account.now()
        unused = _unused_time_from(params.get("bill_for") or {})
        if unused != "none":
            start = min(item["current_period_start"] for item in subscription["items"]["data"])
            self._changes.give_back(subscription, now if unused == "now" else start)
        draft = None
        if params.get("invoicing_behavior") == "invoice":
            draft = self._changes.invoice(subscription, customer)
        items = [item | {"current_period_end": now} for item in subscription["items"]["data"]]
        subscription["items"] = subscription["items"] | {"data": items}
        subscription |= {"status": "paused", "status_details": paused("pause_requested", now)}
        self._life.save_change(subscription, before)
        self._account.emit("customer.subscription.paused", subscription)
        self._account.set_timer(subscription, None)
        if draft:
            with self._life.silence():
                self._invoices.bill(draft)
        return self._account.need("subscription", subscription["id"])

    def resume(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object:
        """Go on: by default with a new period that begins now and is billed at once."""
        if subscription["status"] != "paused":
            raise invalid(f"This subscription is {subscription['status']}; only a paused one can be resumed.")
        anchor = params.get("billing_cycle_anchor") or {"type": "now"}
        if anchor["type"] == "now":
            return self._resume_now(subscription, customer, params.get("payment_behavior"))
        return self._resume_in_period(subscription, customer, params)

    def _resume_now(self, subscription: Object, customer: Object, behavior: str | None) -> Object:
        """A paused subscription begins a new period now, which is billed at once."""
        before = dict(subscription)
        invoice = self._life.next_draft(subscription, customer, "subscription_update")
        return self._resumed(subscription, before, customer, invoice, behavior)

    def _resume_in_period(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object:
        """Take up the former anchor; the rest of its period is charged as `proration_behavior` says."""
        before, behavior = dict(subscription), params.get("proration_behavior") or "create_prorations"
        if behavior not in BEHAVIORS:
            raise invalid(f"Invalid proration_behavior: must be one of {', '.join(BEHAVIORS)}.")
        moment, items = params.get("proration_date") or self._account.now(), []
        for item in subscription["items"]["data"]:
            recurring, anchor = item["price"]["recurring"], subscription["billing_cycle_anchor"]
            start, end = period_at(anchor, recurring["interval"], recurring["interval_count"], moment)
            items.append(item | {"current_period_start": start, "current_period_end": end})
        subscription["items"] = subscription["items"] | {"data": items}
        made = self._changes.charge_remaining(subscription, moment) if behavior != "none" else 0
        draft = None
        if made and behavior == "always_invoice":
            draft = self._changes.invoice(subscription, customer)
        return self._resumed(subscription, before, customer, draft, params.get("payment_behavior"))

    def _resumed(
        self,
        subscription: Object,
        before: Object,
        customer: Object,
        invoice: Object | None,
        behavior: str | None,
    ) -> Object:
        """A paused subscription goes on once its resumption invoice, if there is one, was tried.

        By default the first attempt to pay resumes it, `past_due` when that fails; with
        `resume_on_payment_success` it stays paused until the invoice is paid.
        """
        paid = invoice is None
        if invoice:
            with self._life.silence():
                self._invoices.issue(invoice)
                if not invoice["amount_due"] or self._invoices.default_method(invoice, customer):
                    self._invoices.collect(invoice, customer)
                    paid = self._account.need("invoice", invoice["id"])["status"] == "paid"
        if paid or behavior != "resume_on_payment_success":
            subscription |= {"status": "active" if paid else "past_due", "status_details": None}
            self._life.save_change(subscription, before)
            self._account.emit("customer.subscription.resumed", subscription)
            self._life.schedule(subscription)
            return subscription
        return self._account.save(subscription)


def _unused_time_from(bill_for: dict[str, Any]) -> str:
    refuse_others(bill_for, ("unused_time_from", "outstanding_usage_through"), "bill_for")
    return str((bill_for.get("unused_time_from") or {"type": "now"})["type"])


def _check_pausable(subscription: Object) -> None:
    if subscription["collection_method"] == "send_invoice":
        raise invalid("A subscription that sends invoices cannot be paused.")
    if subscription["status"] not in ("active", "past_due", "unpaid"):
        raise invalid(f"A subscription that is {subscription['status']} cannot be paused.")
    if subscription["schedule"]:
        raise invalid("A subscription with a schedule cannot be paused; release the schedule first.")
