"""Meters and the events they count: deduplicated, within the times Stripe takes, summed by window."""

from decimal import Decimal, InvalidOperation
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import new_id
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.periods import DAY
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

# docs.stripe.com/api/billing/meter-event/create: how old and how far ahead an event may be, and how long its
# identifier is held
OLDEST, NEWEST, HELD = 35 * DAY, 300, DAY
WINDOWS = {"hour": 3600, "day": DAY}
METER, EVENT = "billing.meter", "billing.meter_event"
_CREATE = ("customer_mapping", "default_aggregation", "display_name", "event_name", "value_settings")


class Meters(Resource):
    """`/v1/billing/meters` with their event summaries, `/v1/billing/meter_events` and their adjustments.

    Events are counted when the call is answered, where Stripe does so a little later.
    """

    def routes(self) -> dict[str, Route]:
        path, events = "/v1/billing/meters", "/v1/billing/meter_events"
        summaries = ("customer", "start_time", "end_time", "value_grouping_window")
        return {
            f"POST {path}": route(self.create, _CREATE, "event_time_window"),
            f"GET {path}": route(self.list_all, PAGE, "status"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "display_name"),
            f"POST {path}/{{id}}/deactivate": route(self.deactivate),
            f"POST {path}/{{id}}/reactivate": route(self.reactivate),
            f"GET {path}/{{id}}/event_summaries": route(self.summaries, summaries, "limit"),
            f"POST {events}": route(self.count, "event_name", "payload", "identifier", "timestamp"),
            "POST /v1/billing/meter_event_adjustments": route(self.adjust, "event_name", "type", "cancel"),
        }

    # -- meters ----------------------------------------------------------------------------------

    def create(self, params: dict[str, Any]) -> Object:
        name, now = params["event_name"], self.account.now()
        if self._active(name):
            message = f"There is already an active meter with event name {name}."
            raise invalid(message, param="event_name")
        if params.get("event_time_window"):
            raise invalid("The stand-in counts raw events only.", param="event_time_window")
        by_id = {"event_payload_key": "stripe_customer_id", "type": "by_id"}
        meter: Object = {
            "id": new_id(METER),
            "object": METER,
            "created": now,
            "customer_mapping": params.get("customer_mapping") or by_id,
            "default_aggregation": params["default_aggregation"],
            "display_name": params["display_name"],
            "event_name": name,
            "event_time_window": None,
            "livemode": False,
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": now,
            "value_settings": params.get("value_settings") or {"event_payload_key": "value"},
        }
        return self.account.save(meter, "billing.meter.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        status = params.get("status")
        where = (lambda meter: meter["status"] == status) if status else None
        return self.listing(METER, params, "/v1/billing/meters", where=where)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need(METER, id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        return self._changed(id, {name: params[name] for name in ("display_name",) if name in params})

    def deactivate(self, params: dict[str, Any], id: str) -> Object:
        at = {"deactivated_at": self.account.now()}
        return self._changed(id, {"status": "inactive", "status_transitions": at}, "deactivated")

    def reactivate(self, params: dict[str, Any], id: str) -> Object:
        never = {"deactivated_at": None}
        return self._changed(id, {"status": "active", "status_transitions": never}, "reactivated")

    # -- events ----------------------------------------------------------------------------------

    def count(self, params: dict[str, Any]) -> Object:
        """An event of an identifier that is held is refused in the words that integrations look for."""
        name, payload = params["event_name"], params["payload"]
        meter = self._active(name)
        if meter is None:
            raise invalid(f"No active meter found for event name {name}.", param="event_name")
        customer = payload.get(meter["customer_mapping"]["event_payload_key"])
        if not customer:
            raise invalid("The payload names no customer.", param="payload")
        self.account.use_clock_of(self.account.need("customer", customer, param="payload"))
        now, value = self.account.now(), self._value(meter, payload)
        at = params.get("timestamp", now)
        if at < now - OLDEST:
            raise invalid(
                "The timestamp must be within the past 35 calendar days.", code="timestamp_too_far_in_past"
            )
        if at > now + NEWEST:
            raise invalid("The timestamp is too far in the future.", code="timestamp_in_future")
        identifier = params.get("identifier") or new_id(METER)
        event = {"object": EVENT, "created": now, "event_name": name, "identifier": identifier}
        event |= {"livemode": False, "payload": payload, "timestamp": at}
        held = self.account.find(EVENT, identifier)
        if held and held["created"] > now - HELD:
            raise StripeError(400, f"An event already exists with identifier {identifier}.")
        kept = {**event, "id": f"{identifier} {now}" if held else identifier, "value": str(value)}
        self.account.state.put(EVENT, kept, owner=_owner(meter["id"], customer), created=at)
        return event

    def adjust(self, params: dict[str, Any]) -> Object:
        """Cancels an event of the last 24 hours."""
        identifier = (params.get("cancel") or {}).get("identifier", "")
        event = self.account.find(EVENT, identifier)
        if event is None or event["event_name"] != params["event_name"]:
            raise invalid(f"No event found with identifier {identifier}.", param="cancel[identifier]")
        if event["created"] < self.account.now() - HELD:
            raise invalid("Only events of the last 24 hours can be cancelled.", param="cancel[identifier]")
        self.account.state.delete(EVENT, identifier)
        return {
            "object": "billing.meter_event_adjustment",
            "cancel": {"identifier": identifier},
            "event_name": params["event_name"],
            "livemode": False,
            "status": "complete",
            "type": "cancel",
        }

    def usage(self, meter: str, customer: str, start: int, end: int) -> Decimal:
        """What the customer used from `start` to before `end` (epoch seconds), as the meter aggregates it."""
        created = {">=": start, "<": end}
        owner = _owner(meter, customer)
        events = self.account.state.page(EVENT, owner=owner, created=created, oldest_first=True)
        return _aggregated(self.account.need(METER, meter), events)

    def summaries(self, params: dict[str, Any], id: str) -> Object:
        """One per window that holds an event, newest first; without a window one for the whole time."""
        meter, start, end = self.account.need(METER, id), params["start_time"], params["end_time"]
        window = WINDOWS.get(params.get("value_grouping_window", ""))
        step = window or 60
        if start % step or end % step or start >= end:
            message = f"start_time and end_time must be aligned with {step} seconds and in order."
            raise invalid(message, param="start_time")
        self.account.need("customer", params["customer"], param="customer")
        owner = _owner(id, params["customer"])
        events = self.account.state.page(EVENT, owner=owner, created={">=": start, "<": end})[::-1]
        grouped: dict[int, list[Object]] = {}
        for event in events:
            at = event["timestamp"] - event["timestamp"] % window if window else start
            grouped.setdefault(at, []).append(event)
        data = [
            {
                "id": f"mtrusg_{id[4:]}_{at}",
                "object": "billing.meter_event_summary",
                "aggregated_value": float(_aggregated(meter, held)),
                "end_time": at + window if window else end,
                "livemode": False,
                "meter": id,
                "start_time": at,
            }
            for at, held in sorted(grouped.items(), reverse=True)
        ]
        limit, url = params.get("limit", 10), f"/v1/billing/meters/{id}/event_summaries"
        return {"object": "list", "data": data[:limit], "has_more": len(data) > limit, "url": url}

    # -- steps -----------------------------------------------------------------------------------

    def _active(self, event_name: str) -> Object | None:
        meters = self.account.state.page(METER, owner=event_name)
        return next((meter for meter in meters if meter["status"] == "active"), None)

    def _changed(self, id: str, changes: dict[str, Any], happened: str = "updated") -> Object:
        meter = self.account.need(METER, id)
        changes["updated"] = self.account.now()
        return self.account.update(meter, changes, f"billing.meter.{happened}")

    def _value(self, meter: Object, payload: dict[str, str]) -> Decimal:
        if meter["default_aggregation"]["formula"] == "count":
            return Decimal(1)
        name = meter["value_settings"]["event_payload_key"]
        try:
            return Decimal(payload[name])
        except (KeyError, InvalidOperation) as error:
            message = f"The payload's {name} is no number."
            raise invalid(message, code="meter_event_invalid_value", param="payload") from error


def _owner(meter: str, customer: str) -> str:
    return f"{meter} {customer}"


def _aggregated(meter: Object, events: list[Object]) -> Decimal:
    """By the meter's formula; `events` are oldest first."""
    values = [Decimal(event["value"]) for event in events]
    if meter["default_aggregation"]["formula"] == "last":
        return values[-1] if values else Decimal(0)
    return sum(values, Decimal(0))
