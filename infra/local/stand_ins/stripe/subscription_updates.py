"""Subscriptions as callers change, pause, resume and cancel them."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.invoice_items import InvoiceItems
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error
from infra.local.stand_ins.stripe.resource import Resource, Route, refuse_others, route
from infra.local.stand_ins.stripe.subscription_changes import SubscriptionChanges
from infra.local.stand_ins.stripe.subscription_life import ENDED, SubscriptionLife
from infra.local.stand_ins.stripe.subscription_pauses import SubscriptionPauses

_PLAIN = ("description", "trial_settings", "cancel_at", "collection_method", "days_until_due")
_UPDATE = ("metadata", "default_payment_method", "cancel_at_period_end", "cancellation_details", *_PLAIN)
_ITEMS = ("items", "proration_behavior", "proration_date", "billing_cycle_anchor", "discounts")
_MORE = ("trial_end", "payment_settings", "payment_behavior", "off_session", "pause_collection")
_BEHAVIORS = ("allow_incomplete", "error_if_incomplete", "default_incomplete")
_RESUME = ("billing_cycle_anchor", "payment_behavior", "proration_behavior", "proration_date")


class SubscriptionUpdates(Resource):
    """The changing half of `/v1/subscriptions/{id}`."""

    def __init__(
        self,
        account: Account,
        methods: PaymentMethods,
        invoices: Invoices,
        pending: InvoiceItems,
        changes: SubscriptionChanges,
        life: SubscriptionLife,
        pauses: SubscriptionPauses,
        discounts: Discounts,
    ) -> None:
        super().__init__(account)
        self._methods, self._invoices, self._pending = methods, invoices, pending
        self._changes, self._life, self._pauses = changes, life, pauses
        self._discounts = discounts

    def routes(self) -> dict[str, Route]:
        path = "/v1/subscriptions/{id}"
        return {
            f"POST {path}": route(self.update, _UPDATE, _ITEMS, _MORE),
            f"DELETE {path}": route(self.cancel, "cancellation_details", "invoice_now", "prorate"),
            f"POST {path}/pause": route(self.pause, "bill_for", "invoicing_behavior", "type"),
            f"POST {path}/resume": route(self.resume, _RESUME),
        }

    # -- changing --------------------------------------------------------------------------------

    def update(self, params: dict[str, Any], id: str) -> Object:
        subscription, customer = self._of_now(id)
        _check_allowed(subscription, params)
        draft = self.change(subscription, customer, params)
        if draft:
            self._settle(draft, customer, params.get("payment_behavior") or "allow_incomplete")
        return self.account.need("subscription", id)

    def change(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object | None:
        """Make the change, leave its event; returns the draft of the invoice due at once, if any."""
        before = dict(subscription)
        if subscription["status"] == "trialing" and params.get("trial_end") == "now":
            self._apply(subscription, customer, params)
            self._life.move_trial_end(subscription, before, "now")
            return None
        draft = self._apply(subscription, customer, params)
        if "trial_end" in params and params["trial_end"] != "now":
            if params.get("proration_behavior") != "none" and subscription["status"] != "trialing":
                self._changes.give_back(subscription, self.account.now())
            self._life.move_trial_end(subscription, before, params["trial_end"])
            return None
        self._life.save_change(subscription, before)
        self._life.schedule(subscription)
        return draft

    def _apply(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object | None:
        for name in _PLAIN:
            if name in params:
                subscription[name] = params[name] if params[name] != "" else None
        for name in ("cancellation_details", "payment_settings"):
            if name in params:
                subscription[name] = subscription[name] | params[name]
        if "metadata" in params:
            subscription["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
        if method := params.get("default_payment_method"):
            usable = self._methods.usable_by(customer, method, param="default_payment_method")
            subscription["default_payment_method"] = usable["id"]
        if "pause_collection" in params:
            subscription["pause_collection"] = _pause_of_collection(params["pause_collection"])
        if "cancel_at_period_end" in params:
            at_end = params["cancel_at_period_end"]
            subscription |= self._life.cancellation(subscription, at_period_end=at_end)
        if given := params.get("discounts"):
            subscription["discounts"] = self._discounts.redeemed(subscription, given)
        elif params.get("discounts") == "":
            subscription["discounts"] = []
        if "items" in params or "billing_cycle_anchor" in params:
            return self._changes.apply(subscription, customer, params)
        return None

    def _settle(self, draft: Object, customer: Object, behavior: str) -> None:
        """Finalize the change's invoice and collect it; `error_if_incomplete` undoes all when that fails."""
        if behavior not in _BEHAVIORS:
            raise invalid(f"The stand-in does not implement payment_behavior={behavior} here.")
        if behavior == "error_if_incomplete" and draft["collection_method"] != "send_invoice":
            self._settle_or_raise(draft, customer)
        elif behavior == "default_incomplete" and draft["amount_due"]:
            self._invoices.issue(draft)
            self._invoices.settled(draft, "requires_action")
        else:
            self._invoices.bill(draft)

    def _settle_or_raise(self, draft: Object, customer: Object) -> None:
        if draft["amount_due"] and self._invoices.default_method(draft, customer) is None:
            message = "This customer has no attached payment source or default payment method."
            raise StripeError(400, message, code="resource_missing")
        self._invoices.issue(draft)
        if decline := self._invoices.collect(draft, customer, off_session=False):
            raise card_error(decline)
        now = self.account.need("invoice", draft["id"])
        if now["status"] != "paid" and not self._invoices.on_its_way(now):
            message = "This payment requires additional user action before it can be completed successfully."
            code = "subscription_payment_intent_requires_action"
            raise StripeError(402, message, type="card_error", code=code)

    # -- pausing and ending ----------------------------------------------------------------------

    def pause(self, params: dict[str, Any], id: str) -> Object:
        subscription, customer = self._of_now(id)
        return self._pauses.pause(subscription, customer, params)

    def resume(self, params: dict[str, Any], id: str) -> Object:
        subscription, customer = self._of_now(id)
        return self._pauses.resume(subscription, customer, params)

    def cancel(self, params: dict[str, Any], id: str) -> Object:
        subscription, customer = self._of_now(id)
        if subscription["status"] in ENDED:
            raise StripeError(404, f"No such subscription: '{id}'", code="resource_missing", param="id")
        draft = self.final_draft(subscription, customer, params)
        details = subscription["cancellation_details"] | (params.get("cancellation_details") or {})
        subscription["cancellation_details"] = details | {"reason": "cancellation_requested"}
        if draft:
            self.account.save(subscription)
            with self._life.silence():
                self._invoices.bill(draft)
        return self._life.end(subscription)

    def final_draft(self, subscription: Object, customer: Object, params: dict[str, Any]) -> Object | None:
        """What a cancellation credits and, with `invoice_now`, the draft of the last invoice."""
        prorates, invoices = bool(params.get("prorate")), bool(params.get("invoice_now"))
        if not prorates and not invoices:
            self._pending.drop_prorations(customer["id"], subscription["id"])
            return None
        if prorates and subscription["status"] not in ("trialing", "paused", "incomplete"):
            self._changes.give_back(subscription, self.account.now())
        if invoices and self._changes.owes_more(subscription):
            return self._changes.invoice(subscription, customer, last=True)
        return None

    def _of_now(self, id: str) -> tuple[Object, Object]:
        subscription = self.account.need("subscription", id)
        customer = self.account.need("customer", subscription["customer"])
        self.account.use_clock_of(customer)
        return subscription, customer


def _check_allowed(subscription: Object, params: dict[str, Any]) -> None:
    """Raise StripeError 400 for a change that the subscription's status or schedule does not allow."""
    only_notes = params.keys() <= {"metadata", "cancellation_details", "expand"}
    if subscription["status"] in ENDED and not only_notes:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if subscription["schedule"] and params.keys() & {"cancel_at_period_end", "cancel_at"}:
        message = f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, "
        message += "and updating any cancelation behavior directly is not allowed. "
        raise invalid(f"{message}Please update the schedule instead.", param="cancel_at_period_end")
    if subscription["status"] == "incomplete" and "items" in params:
        message = "The items of an incomplete subscription cannot change; its first invoice is paid first."
        raise invalid(message, param="items")


def _pause_of_collection(given: Any) -> Object | None:
    if given == "":
        return None
    refuse_others(given, ("behavior", "resumes_at"), "pause_collection")
    return {"behavior": given["behavior"], "resumes_at": given.get("resumes_at")}
