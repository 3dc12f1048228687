"""How a subscription lives on by itself: trial end, renewal, expiry, the end, and what payments do to it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.invoice_drafts import InvoiceDrafts
from infra.local.stand_ins.stripe.invoice_money import Outcome
from infra.local.stand_ins.stripe.invoices import HOUR, Invoices
from infra.local.stand_ins.stripe.periods import DAY, period_at

ENDED = ("canceled", "incomplete_expired")
INCOMPLETE_HOURS = 23  # docs.stripe.com/billing/subscriptions/overview: then it is incomplete_expired
UPCOMING = 7 * DAY  # invoice.upcoming comes so long before a renewal (a setting of the account)
REMINDER = 3 * DAY  # customer.subscription.trial_will_end comes so long before


class SubscriptionLife:
    """Moves subscriptions along when time passes or an invoice is settled.

    Attributes:
        enter_phase, phase_end: asked of a subscription that has a schedule (the schedules answer).
        ended, upcoming: told of a subscription that is over, or is renewed soon.
    """

    def __init__(self, account: Account, invoices: Invoices, drafts: InvoiceDrafts) -> None:
        self._account, self._invoices, self._drafts = account, invoices, drafts
        self._silent = False
        self.enter_phase: Callable[[Object, Object], Object | None] = lambda subscription, customer: None
        self.phase_end: Callable[[Object], int | None] = lambda subscription: None
        self.ended: Callable[[Object], None] = lambda subscription: None
        self.upcoming: Callable[[Object], None] = lambda subscription: None
        invoices.settled = self._invoice_settled

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """While a subscription is being created its own call decides its status."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def schedule(self, subscription: Object, *, reminded: bool = False) -> None:
        """Set the timer to what happens next."""
        status, due = subscription["status"], None
        if status == "incomplete":
            due = subscription["created"] + INCOMPLETE_HOURS * HOUR
        elif status == "trialing":
            reminder = subscription["trial_end"] - REMINDER
            due = reminder if reminder > self._account.now() and not reminded else subscription["trial_end"]
        elif status in ("active", "past_due", "unpaid"):
            due = self.period_end(subscription)
            if due - UPCOMING > self._account.now():
                due -= UPCOMING
        pause = subscription["pause_collection"] or {}
        moments = (subscription["cancel_at"], pause.get("resumes_at"), self.phase_end(subscription))
        if due is not None:
            due = min(due, *filter(None, moments), due)
        self._account.set_timer(subscription, due)

    def time_passed(self, id: str) -> None:
        """The subscription's timer struck: `account.now()` is the moment it was set to."""
        subscription = self._account.need("subscription", id)
        status, now = subscription["status"], self._account.now()
        pause = subscription["pause_collection"] or {}
        if (self.phase_end(subscription) or now + 1) <= now and status not in (*ENDED, "incomplete"):
            self._change_phase(subscription)
        if subscription["cancel_at"] and subscription["cancel_at"] <= now and status not in ENDED:
            self._end_in_time(subscription)
        elif pause.get("resumes_at") and pause["resumes_at"] <= now:
            self._account.update(subscription, {"pause_collection": None}, "customer.subscription.updated")
            self.schedule(subscription)
        elif status == "incomplete" and self._first_payment_is_on_its_way(subscription):
            self._account.set_timer(subscription, now + HOUR)  # a bank debit takes days: look again
        elif status == "incomplete":
            self._expire(subscription)
        elif status == "trialing" and now < subscription["trial_end"]:
            self._account.emit("customer.subscription.trial_will_end", subscription)
            self.schedule(subscription, reminded=True)
        elif status == "trialing":
            self._end_trial(subscription)
        elif status in ("active", "past_due", "unpaid") and now >= self.period_end(subscription):
            if subscription["cancel_at_period_end"]:
                self._end_in_time(subscription)
            else:
                self._begin_period(subscription)
        else:
            if status == "active" and now == self.period_end(subscription) - UPCOMING:
                self.upcoming(subscription)
            self.schedule(subscription)

    def cancellation(self, subscription: Object, *, at_period_end: bool) -> dict[str, Any]:
        """The changes that `cancel_at_period_end` brings."""
        details = subscription["cancellation_details"]
        if not at_period_end:
            undone = {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None}
            return undone | {"cancellation_details": details | {"reason": None}}
        at = (
            subscription["trial_end"]
            if subscription["status"] == "trialing"
            else self.period_end(subscription)
        )
        changes = {"cancel_at_period_end": True, "cancel_at": at, "canceled_at": self._account.now()}
        return changes | {"cancellation_details": details | {"reason": "cancellation_requested"}}

    def end(self, subscription: Object) -> Object:
        """Cancel now: nothing more is billed, open drafts go, open invoices stop being collected.

        One that never began becomes `incomplete_expired` instead and its invoice is void.
        """
        account = self._account
        now = account.now()
        if subscription["status"] == "incomplete":
            return self._expire(subscription)
        changes = {"status": "canceled", "ended_at": now, "canceled_at": subscription["canceled_at"] or now}
        subscription |= changes | {"cancel_at_period_end": False}
        account.set_timer(subscription, None)
        self.ended(subscription)
        for invoice in account.state.page("invoice", label=subscription["id"]):
            if invoice["status"] == "draft":
                self._invoices.discard(invoice)
            elif invoice["status"] == "open":
                account.update(
                    invoice, {"auto_advance": False, "next_payment_attempt": None}, "invoice.updated"
                )
        return account.save(subscription, "customer.subscription.deleted")

    def _end_in_time(self, subscription: Object) -> None:
        """No other period follows: what is pending, and what was used, goes on a last invoice."""
        account, owes_more = self._account, self._drafts.owes_more(subscription)
        self.end(subscription)
        if owes_more:
            customer = account.need("customer", subscription["customer"])
            draft = self._drafts.make(subscription, customer, "subscription_cycle", periods=False, last=True)
            self._finalize_later(draft)
            subscription["latest_invoice"] = draft["id"]
            account.save(subscription)

    def _finalize_later(self, invoice: Object) -> None:
        invoice["automatically_finalizes_at"] = self._account.now() + HOUR
        self._account.save(invoice)
        self._account.set_timer(invoice, self._account.now() + HOUR)

    def move_trial_end(self, subscription: Object, before: Object, to: Any) -> None:
        """`trial_end`: "now" ends the trial and bills, a later moment prolongs or starts it.

        Args:
            before: the subscription as it is stored.
        """
        now = self._account.now()
        if to == "now":
            self._account.save(subscription)
            self._account.emit("customer.subscription.trial_will_end", subscription)
            self._end_trial(subscription, at_once=True)
            return
        if not isinstance(to, int) or to <= now:
            raise invalid("Trial end must be a timestamp in the future.", param="trial_end")
        items = [item | {"current_period_end": to} for item in subscription["items"]["data"]]
        subscription |= {"trial_end": to, "status": "trialing", "billing_cycle_anchor": to}
        subscription["trial_start"] = subscription["trial_start"] or now
        subscription["items"] = subscription["items"] | {"data": items}
        self.save_change(subscription, before)
        if to - now <= REMINDER:
            self._account.emit("customer.subscription.trial_will_end", subscription)
        self.schedule(subscription)

    def save_change(self, subscription: Object, before: Object) -> Object:
        """Store the subscription and leave its event, when it differs from `before`."""
        changed = {name for name in subscription if subscription[name] != before.get(name)}
        if not changed:
            return subscription
        previous = {name: before.get(name) for name in changed}
        return self._account.save(subscription, "customer.subscription.updated", previous=previous)

    # -- what time does --------------------------------------------------------------------------

    def period_end(self, subscription: Object) -> int:
        """When the current period is over, in epoch seconds."""
        return min(int(item["current_period_end"]) for item in subscription["items"]["data"])

    def _change_phase(self, subscription: Object) -> None:
        """What the schedule says for now is so before anything else happens, so that a renewal bills it."""
        before = dict(subscription)
        customer = self._account.need("customer", subscription["customer"])
        draft = self.enter_phase(subscription, customer)
        self.save_change(subscription, before)
        if draft:
            self._invoices.bill(draft)
            subscription |= self._account.need("subscription", subscription["id"])

    def _first_payment_is_on_its_way(self, subscription: Object) -> bool:
        invoice = self._account.find("invoice", subscription["latest_invoice"])
        return invoice is not None and self._invoices.on_its_way(invoice)

    def _expire(self, subscription: Object) -> Object:
        now = self._account.now()
        changes = {"status": "incomplete_expired", "ended_at": now, "canceled_at": now}
        self._account.set_timer(subscription, None)
        invoice = self._account.find("invoice", subscription["latest_invoice"])
        if invoice and invoice["status"] == "open" and not self._invoices.on_its_way(invoice):
            self._invoices.void_invoice(invoice)
        return self._account.update(subscription, changes, "customer.subscription.updated")

    def _end_trial(self, subscription: Object, *, at_once: bool = False) -> None:
        customer = self._account.need("customer", subscription["customer"])
        settings = customer["invoice_settings"]
        method = subscription["default_payment_method"] or settings["default_payment_method"]
        behavior = (
            (subscription["trial_settings"] or {}).get("end_behavior", {}).get("missing_payment_method")
        )
        subscription["trial_end"] = min(subscription["trial_end"], self._account.now())
        if method is None and behavior == "cancel":
            self.end(subscription)
        elif method is None and behavior == "pause":
            self._account.set_timer(subscription, None)
            previous = {"status": "trialing", "status_details": subscription.get("status_details")}
            subscription |= {
                "status": "paused",
                "status_details": paused("trial_end_without_payment_method", self._account.now()),
            }
            self._account.save(subscription, "customer.subscription.updated", previous=previous)
            self._account.emit("customer.subscription.paused", subscription)
        else:
            self._begin_period(subscription, anew=True, at_once=at_once)

    def _begin_period(self, subscription: Object, *, anew: bool = False, at_once: bool = False) -> None:
        """The next period starts with a draft invoice that is finalized an hour later, or at once.

        Args:
            anew: the billing cycle begins now.
        """
        account, now = self._account, self._account.now()
        previous = {"items": subscription["items"], "latest_invoice": subscription["latest_invoice"]}
        if anew:
            subscription["billing_cycle_anchor"] = now
        if subscription["status"] == "trialing":
            previous["status"], subscription["status"] = "trialing", "active"
        customer = account.need("customer", subscription["customer"])
        invoice = self.next_draft(subscription, customer, "subscription_cycle")
        if not at_once:
            self._finalize_later(invoice)
        account.save(subscription, "customer.subscription.updated", previous=previous)
        self.schedule(subscription)
        if at_once:
            self._invoices.bill(invoice)
            subscription |= account.need("subscription", subscription["id"])

    def next_draft(
        self, subscription: Object, customer: Object, reason: str = "subscription_cycle"
    ) -> Object:
        """Move the items to the period that lies at now; returns the draft for it."""
        now, items = self._account.now(), []
        if subscription["status"] == "paused":
            subscription["billing_cycle_anchor"] = now
        for item in subscription["items"]["data"]:
            recurring = item["price"]["recurring"]
            anchor = subscription["billing_cycle_anchor"]
            start, end = period_at(anchor, recurring["interval"], recurring["interval_count"], now)
            items.append(item | {"current_period_start": start, "current_period_end": end})
        subscription["items"] = subscription["items"] | {"data": items}
        invoice = self._drafts.make(subscription, customer, reason)
        subscription["latest_invoice"] = invoice["id"]
        return invoice

    # -- what payments do ------------------------------------------------------------------------

    def _invoice_settled(self, invoice: Object, outcome: Outcome) -> None:
        parent = invoice["parent"]
        if self._silent or not parent:
            return
        subscription = self._account.find("subscription", parent["subscription_details"]["subscription"])
        if subscription is None or subscription["latest_invoice"] != invoice["id"]:
            return
        status = subscription["status"]
        if outcome == "paid" and status in ("incomplete", "past_due", "unpaid", "paused"):
            changes = {"status": "active"} | ({"status_details": None} if status == "paused" else {})
            self._account.update(subscription, changes, "customer.subscription.updated")
            if status == "paused":
                self._account.emit("customer.subscription.resumed", subscription)
            self.schedule(subscription)
        elif outcome in ("failed", "requires_action", "overdue") and status == "active":
            self._account.update(subscription, {"status": "past_due"}, "customer.subscription.updated")


def paused(reason: str, now: int) -> Object:
    """The `status_details` of a subscription that is paused for `reason`."""
    return {"paused": {"subscription": {"type": reason}, "transitioned_at": now, "type": "subscription"}}
