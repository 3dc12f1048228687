"""Subscriptions as callers make, change and cancel them; how they live on is in subscription_life.py."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import subscription_object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.cards import behaviour_of
from infra.local.stand_ins.stripe.catalog import make_price, plan_of
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.payment_methods import PaymentMethods, card_error
from infra.local.stand_ins.stripe.periods import DAY, after
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from infra.local.stand_ins.stripe.setup_intents import SetupIntents
from infra.local.stand_ins.stripe.subscription_life import ENDED, SubscriptionLife

_CREATE = ("customer", "items", "metadata", "description", "default_payment_method", "payment_behavior")
_CREATE_MORE = (
    "payment_settings",
    "off_session",
    "currency",
    "collection_method",
    "days_until_due",
)
_TIMES = ("trial_end", "trial_period_days", "trial_settings", "cancel_at", "cancel_at_period_end")
_UPDATE = ("metadata", "description", "default_payment_method", "cancel_at_period_end", "cancel_at", "items")
_UPDATE_MORE = (
    "trial_end",
    "trial_settings",
    "cancellation_details",
    "payment_settings",
    "proration_behavior",
)
MAX_TRIAL = 730 * DAY


class Subscriptions(Resource):
    """`/v1/subscriptions`."""

    def __init__(
        self,
        account: Account,
        methods: PaymentMethods,
        invoices: Invoices,
        setup_intents: SetupIntents,
        life: SubscriptionLife,
    ) -> None:
        super().__init__(account)
        self._methods, self._invoices, self._setups, self._life = methods, invoices, setup_intents, life

    def routes(self) -> dict[str, Route]:
        path = "/v1/subscriptions"
        return {
            f"POST {path}": route(self.create, _CREATE, _CREATE_MORE, _TIMES),
            f"GET {path}": route(self.list_all, PAGE, "customer", "status", "price", "test_clock"),
            f"GET {path}/search": route(self.find, "query", "limit", "page"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(
                self.update, _UPDATE, _UPDATE_MORE, "payment_behavior", "off_session"
            ),
            f"DELETE {path}/{{id}}": route(self.cancel, "cancellation_details", "invoice_now", "prorate"),
            "GET /v1/subscription_items": route(self.list_items, PAGE, "subscription"),
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

    def list_items(self, params: dict[str, Any]) -> Object:
        items: Object = self.account.need("subscription", params["subscription"], param="subscription")[
            "items"
        ]
        return items

    # -- creating --------------------------------------------------------------------------------

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        if "customer" not in params:
            raise StripeError(
                400, "Missing required param: customer.", code="parameter_missing", param="customer"
            )
        customer = account.need("customer", params["customer"], param="customer")
        account.use_clock_of(customer)
        id, now = new_id("subscription"), account.now()
        trial_end = self._trial_end(params, now)
        subscription = subscription_object.subscription(
            id, customer, self._items(id, params, trial_end), params, now
        )
        method = self._default_method(customer, params)
        if trial_end:
            subscription |= {"status": "trialing", "trial_start": now, "trial_end": trial_end}
            subscription["billing_cycle_anchor"] = trial_end
        if params.get("default_payment_method") and method:
            subscription["default_payment_method"] = method["id"]
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
        invoice = self._invoices.draft(subscription, customer, "subscription_create", trial=trial)
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
        if behavior == "error_if_incomplete" and not paid:
            message = "This payment requires additional user action before it can be completed successfully."
            raise StripeError(
                402, message, type="card_error", code="subscription_payment_intent_requires_action"
            )
        if paid:
            subscription["status"] = "active"

    def _ask_for_setup(
        self, subscription: Object, customer: Object, method: Object | None, behavior: str
    ) -> None:
        """A card that will be charged later is set up now, where the customer has something to do for it."""
        needs = method is not None and behaviour_of(method).authentication != "never"
        if needs or (behavior == "default_incomplete" and method is None):
            setup = self._setups.open(customer, method)
            subscription["pending_setup_intent"] = setup["id"]

    def _items(self, id: str, params: dict[str, Any], trial_end: int | None) -> list[Object]:
        if not params.get("items"):
            raise StripeError(400, "Missing required param: items.", code="parameter_missing", param="items")
        now, items = self.account.now(), []
        for index, given in enumerate(params["items"]):
            price = self._price(given, f"items[{index}]")
            recurring = price["recurring"]
            end = trial_end or after(now, recurring["interval"], recurring["interval_count"])
            items.append(subscription_object.item(id, price, given, now, (now, end)))
        currencies = {item["price"]["currency"] for item in items}
        currencies |= {params["currency"]} if "currency" in params else set()
        if len(currencies) > 1:
            raise invalid("All items of a subscription must have the same currency.", param="items")
        return items

    def _price(self, given: dict[str, Any], param: str) -> Object:
        unknown = given.keys() - {"price", "price_data", "quantity", "metadata", "id", "deleted"}
        if unknown:
            raise invalid(f"The stand-in does not implement {param}[{min(unknown)}].", param=param)
        if isinstance(given.get("price"), dict):  # Checkout has found it already
            found: Object = given["price"]
            return found
        if data := given.get("price_data"):
            product = self.account.need("product", data["product"], param=f"{param}[price_data][product]")
            return self.account.save(make_price(data, product["id"], self.account.now()), "price.created")
        if "price" not in given:
            raise StripeError(
                400, f"Missing required param: {param}[price].", code="parameter_missing", param=param
            )
        price = self.account.need("price", given["price"], param=f"{param}[price]")
        if not price["active"]:
            raise invalid(
                "The price specified is inactive. This field only accepts active prices.", param=param
            )
        if not price["recurring"]:
            message = (
                "The price specified is set to `type=one_time` but this field only accepts recurring prices."
            )
            raise invalid(message, param=f"{param}[price]")
        return price

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

    # -- changing and ending ---------------------------------------------------------------------

    def update(self, params: dict[str, Any], id: str) -> Object:
        account = self.account
        subscription = account.need("subscription", id)
        customer = account.need("customer", subscription["customer"])
        account.use_clock_of(customer)
        only_notes = params.keys() <= {"metadata", "cancellation_details", "expand"}
        if subscription["status"] in ENDED and not only_notes:
            raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
        changes: dict[str, Any] = {}
        for name in ("description", "cancel_at", "trial_settings"):
            if name in params:
                changes[name] = params[name] if params[name] != "" else None
        for name in ("cancellation_details", "payment_settings"):
            if name in params:
                changes[name] = subscription[name] | params[name]
        if "metadata" in params:
            changes["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
        if method := params.get("default_payment_method"):
            usable = self._methods.usable_by(customer, method, param="default_payment_method")
            changes["default_payment_method"] = usable["id"]
        if "cancel_at_period_end" in params:
            changes |= self._life.cancellation(subscription, at_period_end=params["cancel_at_period_end"])
        if "items" in params:
            changes["items"] = self._changed_items(subscription, params)
        if "trial_end" in params:
            return self._life.move_trial_end(subscription, changes, params["trial_end"])
        account.update(subscription, changes, "customer.subscription.updated")
        self._life.schedule(subscription)
        return subscription

    def _changed_items(self, subscription: Object, params: dict[str, Any]) -> Object:
        """Quantities and prices without proration; prorated changes are refused until they are built."""
        if params.get("proration_behavior") != "none":
            raise invalid(
                "The stand-in changes items with proration_behavior=none only.", param="proration_behavior"
            )
        items = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        first = subscription["items"]["data"][0]
        for index, given in enumerate(params["items"]):
            held = items.get(given.get("id", ""))
            if held is None:
                period = (first["current_period_start"], first["current_period_end"])
                price = self._price(given, f"items[{index}]")
                made = subscription_object.item(subscription["id"], price, given, self.account.now(), period)
                items[made["id"]] = made
            elif given.get("deleted"):
                del items[held["id"]]
            else:
                if "price" in given:
                    held["price"] = self._price(given, f"items[{index}]")
                    held["plan"] = plan_of(held["price"])
                held["quantity"] = given.get("quantity", held["quantity"])
        if not items:
            raise invalid("A subscription must have at least one active plan.", param="items")
        return dict(subscription["items"]) | {"data": [*items.values()]}

    def cancel(self, params: dict[str, Any], id: str) -> Object:
        subscription = self.account.need("subscription", id)
        if params.get("invoice_now") or params.get("prorate"):
            raise invalid("The stand-in cancels without a final invoice.", param="prorate")
        if subscription["status"] in ENDED:
            raise StripeError(404, f"No such subscription: '{id}'", code="resource_missing", param="id")
        customer = self.account.need("customer", subscription["customer"])
        self.account.use_clock_of(customer)
        details = subscription["cancellation_details"] | (params.get("cancellation_details") or {})
        subscription["cancellation_details"] = details | {"reason": "cancellation_requested"}
        return self._life.end(subscription)

    def cancel_all_of(self, customer: Object) -> None:
        """A deleted customer's subscriptions end at once."""
        for subscription in self.account.state.page("subscription", owner=customer["id"]):
            if subscription["status"] not in ENDED:
                self._life.end(subscription)
