"""Subscriptions as callers find and make them; subscription_updates.py has how they change."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import subscription_object
from infra.local.stand_ins.stripe.account import Account, new_id
from infra.local.stand_ins.stripe.cards import behaviour_of
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.invoice_drafts import InvoiceDrafts
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error
from infra.local.stand_ins.stripe.periods import DAY
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from infra.local.stand_ins.stripe.setup_intents import SetupIntents
from infra.local.stand_ins.stripe.subscription_items import SubscriptionItems
from infra.local.stand_ins.stripe.subscription_life import ENDED, SubscriptionLife

_CREATE = ("customer", "items", "metadata", "description", "default_payment_method", "payment_behavior")
_CREATE_MORE = (
    "payment_settings",
    "off_session",
    "currency",
    "collection_method",
    "days_until_due",
    "discounts",
)
_TIMES = ("trial_end", "trial_period_days", "trial_settings", "cancel_at", "cancel_at_period_end")
MAX_TRIAL = 730 * DAY


class Subscriptions(Resource):
    """`/v1/subscriptions`."""

    def __init__(
        self,
        account: Account,
        methods: PaymentMethods,
        invoices: Invoices,
        drafts: InvoiceDrafts,
        setup_intents: SetupIntents,
        items: SubscriptionItems,
        life: SubscriptionLife,
        discounts: Discounts,
    ) -> None:
        super().__init__(account)
        self._methods, self._invoices, self._drafts = methods, invoices, drafts
        self._setups = setup_intents
        self._items, self._life, self._discounts = items, life, discounts

    def routes(self) -> dict[str, Route]:
        path = "/v1/subscriptions"
        return {
            f"POST {path}": route(self.create, _CREATE, _CREATE_MORE, _TIMES),
            f"GET {path}": route(self.list_all, PAGE, "customer", "status", "price", "test_clock"),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
        }

    # -- reading ---------------------------------------------------------------------------------

    def list_all(self, params: dict[str, Any]) -> Object:
        status, price, clock = params.get("status"), params.get("price"), params.get("test_clock")

        def wanted(held: Object) -> bool:
            if status == "ended":
                stands = held["status"] in ENDED
            else:
                stands = status == "all" or (
                    held["status"] == status if status else held["status"] != "canceled"
                )
            prices = [item["price"]["id"] for item in held["items"]["data"]]
            return stands and (not price or price in prices) and (not clock or held["test_clock"] == clock)

        url, owner = "/v1/subscriptions", params.get("customer")
        return self.listing("subscription", params, url, owner=owner, where=wanted)

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("subscription", params, "/v1/subscriptions/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("subscription", id)

    # -- creating --------------------------------------------------------------------------------

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        if "customer" not in params:
            raise StripeError(
                400, "Missing required param: customer.", code="parameter_missing", param="customer"
            )
        customer = account.need("customer", params["customer"], param="customer")
        account.use_clock_of(customer)
        _check_terms(params)
        id, now = new_id("subscription"), account.now()
        trial_end = self._trial_end(params, now)
        subscription = subscription_object.subscription(
            id, customer, self._items.read(id, params, trial_end), params, now
        )
        method = self._default_method(customer, params)
        if trial_end:
            subscription |= {"status": "trialing", "trial_start": now, "trial_end": trial_end}
            subscription["billing_cycle_anchor"] = trial_end
        if params.get("default_payment_method") and method:
            subscription["default_payment_method"] = method["id"]
        if given := params.get("discounts"):
            subscription["discounts"] = self._discounts.redeemed(subscription, given)
        account.save(subscription)  # its invoice refers to it
        self._bill_first_period(subscription, customer, method, params)
        self._life.schedule(subscription)
        account.save(subscription, "customer.subscription.created")
        if not customer["currency"]:
            fresh = account.need("customer", customer["id"])
            account.save(fresh | {"currency": subscription["currency"]})
        if trial_end and trial_end - now <= 3 * DAY:
            account.emit("customer.subscription.trial_will_end", subscription)
        return subscription

    def _bill_first_period(
        self, subscription: Object, customer: Object, method: Object | None, params: dict[str, Any]
    ) -> None:
        behavior = params.get("payment_behavior", "allow_incomplete")
        trial = subscription["status"] == "trialing"
        sends = subscription["collection_method"] == "send_invoice"
        invoice = self._drafts.make(subscription, customer, "subscription_create", trial=trial)
        subscription["latest_invoice"] = invoice["id"]
        due = invoice["amount_due"] > 0 and not sends
        if due and method is None and behavior != "default_incomplete":
            message = "This customer has no attached payment source or default payment method. "
            message += "Please consider adding a default payment method."
            raise StripeError(400, message, code="resource_missing")
        self.account.save(subscription)
        with self._life.silence():
            self._invoices.issue(invoice)
            if not due:
                subscription["status"] = "trialing" if trial else "active"
                if not sends:
                    self._invoices.collect(invoice, customer)
                self._ask_for_setup(subscription, customer, method, behavior)
                return
            if behavior == "default_incomplete":
                return
            assert method is not None
            # `off_session` or not, an invoice's payment that needs the customer waits for the customer
            decline = self._invoices.collect(invoice, customer, method["id"])
        paid = self.account.need("invoice", invoice["id"])["status"] == "paid"
        if behavior == "error_if_incomplete" and decline:
            raise card_error(decline)
        if behavior == "error_if_incomplete" and not paid and not self._processing(invoice):
            message = "This payment requires additional user action before it can be completed successfully."
            raise StripeError(
                402, message, type="card_error", code="subscription_payment_intent_requires_action"
            )
        if paid:
            subscription["status"] = "active"

    def _processing(self, invoice: Object) -> bool:
        intent = self._invoices.intent_of(invoice)
        return intent is not None and intent["status"] == "processing"

    def _ask_for_setup(
        self, subscription: Object, customer: Object, method: Object | None, behavior: str
    ) -> None:
        """A card that will be charged later is set up now, where the customer has something to do for it."""
        needs = method is not None and behaviour_of(method).authentication != "never"
        if needs or (behavior == "default_incomplete" and method is None):
            setup = self._setups.open(customer, method)
            subscription["pending_setup_intent"] = setup["id"]

    def _trial_end(self, params: dict[str, Any], now: int) -> int | None:
        days, end = params.get("trial_period_days"), params.get("trial_end")
        if days and end:
            raise invalid("You can only specify one of trial_end and trial_period_days.", param="trial_end")
        if days:
            end = now + days * DAY
        if end in (None, "now"):
            return None
        if not now < end <= now + MAX_TRIAL:
            raise invalid("Trial end must lie in the future and at most two years ahead.", param="trial_end")
        return int(end)

    def _default_method(self, customer: Object, params: dict[str, Any]) -> Object | None:
        if given := params.get("default_payment_method"):
            return self._methods.usable_by(customer, given, param="default_payment_method")
        return self.account.find("payment_method", customer["invoice_settings"]["default_payment_method"])

    # -- ending ----------------------------------------------------------------------------------

    def give_up(self, subscription: Object) -> Object:
        """End it now, without a last invoice."""
        return self._life.end(subscription)

    def cancel_all_of(self, customer: Object) -> None:
        """A deleted customer's subscriptions end at once."""
        for subscription in self.account.state.page("subscription", owner=customer["id"]):
            if subscription["status"] not in ENDED:
                self._life.end(subscription)


def _check_terms(params: dict[str, Any]) -> None:
    """An invoice that is sent says until when, and only such a one."""
    sends, days = params.get("collection_method") == "send_invoice", params.get("days_until_due")
    if sends and days is None:
        message = "If invoices will be billed to be paid manually by the customer, days_until_due is needed."
        raise StripeError(400, message, code="parameter_missing", param="days_until_due")
    if not sends and days is not None:
        message = "days_until_due is only valid if the collection method is send_invoice."
        raise invalid(message, param="days_until_due")
