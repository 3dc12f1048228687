"""Previews: the invoice that a change makes, by making the change and undoing it."""

import contextlib
from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.errors import StripeError
from infra.local.stand_ins.stripe.invoice_drafts import InvoiceDrafts
from infra.local.stand_ins.stripe.invoice_items import InvoiceItems
from infra.local.stand_ins.stripe.invoices import HOUR
from infra.local.stand_ins.stripe.resource import Resource, Route, refuse_others, route
from infra.local.stand_ins.stripe.subscription_life import ENDED, SubscriptionLife
from infra.local.stand_ins.stripe.subscription_updates import SubscriptionUpdates
from infra.local.stand_ins.stripe.subscriptions import Subscriptions

_TERMS = ("items", "proration_behavior", "proration_date", "billing_cycle_anchor", "trial_end")
_KEPT = 100  # Stripe keeps one for 72 hours (docs.stripe.com/invoicing/preview)
_ENDS = ("cancel_at_period_end", "cancel_now")


class _Undo(Exception):
    """Carries the preview out of the block whose effects are undone."""

    def __init__(self, invoice: Object) -> None:
        self.invoice = invoice


class InvoicePreviews(Resource):
    """`/v1/invoices/create_preview`.

    The change is really made, in a savepoint that is rolled back, so that preview and invoice cannot differ.
    """

    def __init__(
        self,
        account: Account,
        drafts: InvoiceDrafts,
        pending: InvoiceItems,
        subscriptions: Subscriptions,
        updates: SubscriptionUpdates,
        life: SubscriptionLife,
        kept: dict[str, Object],
    ) -> None:
        super().__init__(account)
        self._kept = kept
        self._drafts, self._pending, self._life = drafts, pending, life
        self._subscriptions, self._updates = subscriptions, updates
        life.upcoming = self.announce

    def routes(self) -> dict[str, Route]:
        names = ("customer", "subscription", "subscription_details", "discounts", "currency", "preview_mode")
        return {"POST /v1/invoices/create_preview": route(self.preview, names)}

    def preview(self, params: dict[str, Any]) -> Object:
        shown = _shown(self._undone(lambda: self._made(params)), params)
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[shown["id"]] = shown
        return shown

    def announce(self, subscription: Object) -> None:
        """`invoice.upcoming`, about an invoice that has no id yet; none when none comes."""
        with contextlib.suppress(StripeError):
            invoice = _shown(self._undone(lambda: self.next(dict(subscription))), {})
            del invoice["id"]
            self.account.emit("invoice.upcoming", invoice)

    def _undone(self, make: Callable[[], Object]) -> Object:
        """What `make` returns; all it did is undone."""
        state, events = self.account.state, self.account.events
        writes, owed = state.writes, events.owed
        try:
            with state.savepoint():
                raise _Undo(make())
        except _Undo as undo:
            return undo.invoice
        finally:
            state.writes, events.owed = writes, owed
            self.account.timers.changed()

    def _made(self, params: dict[str, Any]) -> Object:
        details = dict(params.get("subscription_details") or {})
        refuse_others(details, (*_TERMS, *_ENDS), "subscription_details")
        if "discounts" in params:
            details["discounts"] = params["discounts"]
        if "subscription" not in params and "items" in details:
            return self._first(params, details)
        subscription = self._subscription(params)
        customer = self.account.need("customer", subscription["customer"])
        self.account.use_clock_of(customer)
        if details.pop("cancel_now", False):
            return self._last(subscription, customer, details)
        draft = self._updates.change(subscription, customer, details) if details else None
        now = self.account.need("subscription", subscription["id"])
        if details.get("trial_end") == "now":
            return self.account.need("invoice", now["latest_invoice"])
        return draft or self.next(now)

    def next(self, subscription: Object) -> Object:
        """The draft of the invoice at the end of the current period; raises StripeError 404 when none comes.

        What it does to the subscription is for the caller to undo.
        """
        if subscription["status"] in (*ENDED, "paused", "incomplete"):
            raise none_upcoming()
        customer = self.account.need("customer", subscription["customer"])
        end = self._life.period_end(subscription)
        with self.account.at(end):
            if (subscription["cancel_at"] or end + 1) <= end:
                if not self._pending.pending(customer["id"], subscription["id"]):
                    raise none_upcoming()
                return self._drafts.make(subscription, customer, "subscription_cycle", periods=False)
            if (self._life.phase_end(subscription) or end + 1) <= end:
                self._life.enter_phase(subscription, customer)
            return self._life.next_draft(subscription, customer)

    def _first(self, params: dict[str, Any], details: dict[str, Any]) -> Object:
        """The first invoice of a subscription that there is not yet."""
        order = {name: details[name] for name in ("items", "discounts", "trial_end") if details.get(name)}
        order |= {"customer": params["customer"], "payment_behavior": "default_incomplete"}
        made = self._subscriptions.create(order)
        return self.account.need("invoice", made["latest_invoice"])

    def _last(self, subscription: Object, customer: Object, details: dict[str, Any]) -> Object:
        """The invoice of a cancellation now; over nothing when nothing is pending or given back."""
        prorates = details.get("proration_behavior") != "none"
        order = {"prorate": prorates, "invoice_now": True}
        if date := details.get("proration_date"):
            with self.account.at(date):
                draft = self._updates.final_draft(subscription, customer, order)
        else:
            draft = self._updates.final_draft(subscription, customer, order)
        if draft is None:
            draft = self._drafts.make(subscription, customer, "subscription_update", periods=False)
        return draft

    def _subscription(self, params: dict[str, Any]) -> Object:
        if id := params.get("subscription"):
            return self.account.need("subscription", id, param="subscription")
        customer = self.account.need("customer", params.get("customer", ""), param="customer")
        running = [
            each
            for each in self.account.state.page("subscription", owner=customer["id"])
            if each["status"] not in (*ENDED, "paused", "incomplete")
        ]
        if not running:
            raise none_upcoming()
        return min(running, key=self._life.period_end)


def none_upcoming() -> StripeError:
    """There is no next invoice."""
    message = "No upcoming invoices for customer"
    return StripeError(404, message, code="invoice_upcoming_none")


def _shown(invoice: Object, params: dict[str, Any]) -> Object:
    """A preview is a draft of which only the lines can be looked up."""
    invoice |= {"id": f"upcoming_{invoice['id']}", "billing_reason": "upcoming", "status": "draft"}
    invoice |= {"number": None, "hosted_invoice_url": None, "invoice_pdf": None, "effective_at": None}
    invoice["next_payment_attempt"] = invoice["created"] + HOUR
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    date = (params.get("subscription_details") or {}).get("proration_date")
    if date and invoice["parent"]:
        invoice["parent"]["subscription_details"]["subscription_proration_date"] = date
    return invoice
