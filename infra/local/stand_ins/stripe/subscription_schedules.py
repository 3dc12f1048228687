"""Subscription schedules: what a subscription becomes at a later moment, phase by phase."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe import schedule_object
from infra.local.stand_ins.stripe.account import Account, merge_metadata
from infra.local.stand_ins.stripe.discounts import Discounts
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.periods import after
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route
from infra.local.stand_ins.stripe.subscription_changes import BEHAVIORS, SubscriptionChanges, interval_of
from infra.local.stand_ins.stripe.subscription_life import ENDED, SubscriptionLife
from infra.local.stand_ins.stripe.usage_lines import metered

_PHASE = ("items", "start_date", "end_date", "duration", "proration_behavior", "metadata", "description")
_PHASE_MORE = ("discounts", "billing_cycle_anchor")
_NAME = "/v1/subscription_schedules"


class SubscriptionSchedules(Resource):
    """`/v1/subscription_schedules`, made from a subscription that runs.

    Source: docs.stripe.com/billing/subscriptions/subscription-schedules.
    """

    def __init__(
        self, account: Account, changes: SubscriptionChanges, life: SubscriptionLife, discounts: Discounts
    ) -> None:
        super().__init__(account)
        self._changes, self._life, self._discounts = changes, life, discounts
        life.enter_phase, life.phase_end = self.enter_phase, self.phase_end
        life.ended = self._subscription_ended

    def routes(self) -> dict[str, Route]:
        return {
            f"POST {_NAME}": route(self.create, "from_subscription"),
            f"GET {_NAME}": route(self.list_all, PAGE, "customer"),
            f"GET {_NAME}/{{id}}": route(self.retrieve),
            f"POST {_NAME}/{{id}}": route(
                self.update, "phases", "end_behavior", "metadata", "proration_behavior"
            ),
            f"POST {_NAME}/{{id}}/release": route(self.release, "preserve_cancel_date"),
            f"POST {_NAME}/{{id}}/cancel": route(self.cancel, "invoice_now", "prorate"),
        }

    # -- what a caller may do --------------------------------------------------------------------

    def create(self, params: dict[str, Any]) -> Object:
        if "from_subscription" not in params:
            raise invalid("The stand-in makes schedules from_subscription only.", param="from_subscription")
        id = params["from_subscription"]
        subscription = self.account.need("subscription", id, param="from_subscription")
        self._use_clock(subscription)
        if subscription["status"] in (*ENDED, "incomplete", "paused"):
            message = f"You cannot migrate a subscription that is {subscription['status']} to a schedule."
            raise invalid(message, param="from_subscription")
        if subscription["schedule"]:
            message = "You cannot migrate a subscription that is already attached to a schedule: "
            raise invalid(message + f"`{subscription['schedule']}`", param="from_subscription")
        made = schedule_object.schedule(subscription, self.account.now())
        if subscription["cancel_at_period_end"]:
            made["end_behavior"] = "cancel"
        self.account.save(made, "subscription_schedule.created")
        self.account.update(subscription, {"schedule": made["id"]}, "customer.subscription.updated")
        self._life.schedule(subscription)
        return made

    def list_all(self, params: dict[str, Any]) -> Object:
        return self.listing("subscription_schedule", params, _NAME, owner=params.get("customer"))

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("subscription_schedule", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        schedule, subscription = self._active(id)
        changes: dict[str, Any] = {}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(schedule["metadata"], params["metadata"])
        if "end_behavior" in params:
            if params["end_behavior"] not in ("release", "cancel"):
                raise invalid("end_behavior must be one of cancel or release", param="end_behavior")
            changes["end_behavior"] = params["end_behavior"]
        if "phases" in params:
            changes["phases"] = self._phases(schedule, subscription, params["phases"])
            running = changes["phases"][0]
            changes["current_phase"] = {name: running[name] for name in ("start_date", "end_date")}
        self.account.update(schedule, changes, "subscription_schedule.updated")
        self._life.schedule(subscription)
        return schedule

    def release(self, params: dict[str, Any], id: str) -> Object:
        schedule, subscription = self._active(id)
        now = self.account.now()
        schedule |= {"status": "released", "released_at": now, "current_phase": None}
        schedule |= {"released_subscription": subscription["id"], "subscription": None}
        self.account.save(schedule, "subscription_schedule.released")
        self.account.update(subscription, {"schedule": None}, "customer.subscription.updated")
        self._life.schedule(subscription)
        return schedule

    def cancel(self, params: dict[str, Any], id: str) -> Object:
        schedule, subscription = self._active(id)
        if params.get("invoice_now") is True or params.get("prorate") is True:
            raise invalid("The stand-in cancels a schedule without a last invoice.", param="invoice_now")
        self._life.end(subscription)
        return self.account.need("subscription_schedule", schedule["id"])

    # -- what time does --------------------------------------------------------------------------

    def phase_end(self, subscription: Object) -> int | None:
        """When the subscription's running phase is over; None without a schedule."""
        schedule = self.account.find("subscription_schedule", subscription["schedule"])
        return int(schedule["current_phase"]["end_date"]) if schedule else None

    def enter_phase(self, subscription: Object, customer: Object) -> Object | None:
        """The running phase is over: `subscription`, which the caller stores, becomes what the next one says.

        Returns the draft of an invoice that is due at once, if any.
        """
        schedule = self.account.need("subscription_schedule", subscription["schedule"])
        now = self.account.now()
        following = next((each for each in schedule["phases"] if each["start_date"] >= now), None)
        if following is None:
            self._complete(schedule, subscription)
            return None
        schedule["current_phase"] = {name: following[name] for name in ("start_date", "end_date")}
        self.account.save(schedule, "subscription_schedule.updated")
        return self._become(subscription, customer, following)

    def _become(self, subscription: Object, customer: Object, phase: Object) -> Object | None:
        held = subscription["items"]["data"]
        items = self._items_of(held, phase)
        subscription["metadata"] = subscription["metadata"] | phase["metadata"]
        subscription["discounts"] = self._discounts_of(subscription, phase)
        at_renewal = self.account.now() >= self._life.period_end(subscription)
        before = interval_of(held)
        if at_renewal:
            self._changes.renewed_as(subscription, items, phase["proration_behavior"])
            if interval_of(subscription["items"]["data"]) != before:
                subscription["billing_cycle_anchor"] = self.account.now()
            return None
        change = {"items": items, "proration_behavior": phase["proration_behavior"]}
        return self._changes.apply(subscription, customer, change)

    def _items_of(self, held: list[Object], phase: Object) -> list[Object]:
        """The changes of the items held: a price that stays keeps its item, the plan's item another."""
        kept = {item["price"]["id"]: item["id"] for item in held}
        free = [
            item for item in held if item["price"]["id"] not in {each["price"] for each in phase["items"]}
        ]
        changed: list[Object] = []
        for wanted in phase["items"]:
            item: Object = {"price": wanted["price"]}
            if wanted["quantity"] is not None:
                item["quantity"] = wanted["quantity"]
            id = kept.get(wanted["price"])
            other = next((each for each in free if not metered(each)), None)
            if id is None and other is not None and "quantity" in item:
                free.remove(other)
                id = other["id"]
            changed.append(item | ({"id": id} if id else {}))
        return changed + [{"id": each["id"], "deleted": True} for each in free]

    def _discounts_of(self, subscription: Object, phase: Object) -> list[str]:
        given = [{name: id for name, id in each.items() if id} for each in phase["discounts"]]
        kept = [each for each in given if each.get("discount") in subscription["discounts"]]
        new = [each for each in given if "discount" not in each]
        return self._discounts.redeemed(subscription, kept + new)

    def _complete(self, schedule: Object, subscription: Object) -> None:
        schedule |= {"status": "completed", "completed_at": self.account.now(), "current_phase": None}
        self.account.save(schedule, "subscription_schedule.completed")
        subscription["schedule"] = None
        if schedule["end_behavior"] == "cancel":
            subscription["cancel_at"] = self.account.now()

    def _subscription_ended(self, subscription: Object) -> None:
        schedule = self.account.find("subscription_schedule", subscription["schedule"])
        if schedule and schedule["status"] == "active":
            changes = {"status": "canceled", "canceled_at": self.account.now(), "current_phase": None}
            self.account.update(schedule, changes, "subscription_schedule.canceled")

    # -- phases as given -------------------------------------------------------------------------

    def _phases(self, schedule: Object, subscription: Object, given: list[dict[str, Any]]) -> list[Object]:
        running = schedule["current_phase"]
        phases: list[Object] = []
        for index, each in enumerate(given):
            param = f"phases[{index}]"
            refuse_others(each, (*_PHASE, *_PHASE_MORE), param)
            start = phases[-1]["end_date"] if phases else each.get("start_date", running["start_date"])
            phases.append(self._phase(subscription, each, start, param))
        if not phases or phases[0]["start_date"] != running["start_date"]:
            message = "You can not modify the start date of the current phase."
            raise invalid(message, param="phases[0][start_date]")
        if phases[0]["end_date"] <= self.account.now():
            raise invalid("The current phase must end in the future.", param="phases[0][end_date]")
        return phases

    def _phase(self, subscription: Object, given: dict[str, Any], start: int, param: str) -> Object:
        items = []
        for index, each in enumerate(given["items"]):
            refuse_others(each, ("price", "quantity", "metadata"), f"{param}[items][{index}]")
            price = self.account.need("price", each["price"], param=f"{param}[items][{index}][price]")
            if price["currency"] != subscription["currency"]:
                raise invalid(f"The price is in {price['currency']}.", param=f"{param}[items]")
            if price["recurring"]["meter"] and "quantity" in each:
                message = "You cannot set the quantity for metered plans."
                raise invalid(message, param=f"{param}[items][{index}][quantity]")
            quantity = None if price["recurring"]["meter"] else each.get("quantity", 1)
            items.append(schedule_object.phase_item(price, quantity, each.get("metadata") or {}))
        if given.get("proration_behavior", "none") not in BEHAVIORS:
            raise invalid("Invalid proration_behavior.", param=f"{param}[proration_behavior]")
        end = given.get("end_date")
        if duration := given.get("duration"):
            end = after(start, duration["interval"], duration.get("interval_count", 1))
        if not isinstance(end, int) or end <= start:
            message = "A phase says when it ends, by end_date or duration, after its start."
            raise StripeError(400, message, code="parameter_missing", param=f"{param}[end_date]")
        phase = schedule_object.phase(subscription["currency"], items, (start, end), given)
        blank = dict.fromkeys(("coupon", "discount", "promotion_code"))
        phase["discounts"] = [blank | each for each in given.get("discounts") or []]
        return phase

    def _active(self, id: str) -> tuple[Object, Object]:
        schedule = self.account.need("subscription_schedule", id)
        if schedule["status"] != "active":
            raise invalid(f"This schedule is {schedule['status']}; only an active one can change.")
        subscription = self.account.need("subscription", schedule["subscription"])
        self._use_clock(subscription)
        return schedule, subscription

    def _use_clock(self, subscription: Object) -> None:
        self.account.use_clock_of(self.account.need("customer", subscription["customer"]))
