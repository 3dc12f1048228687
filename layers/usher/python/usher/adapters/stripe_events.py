"""Stripe's list of events. Source: docs.stripe.com/webhooks/process-undelivered-events (read 2026-11)."""

from datetime import datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.ports.vendor_events import EventPage


class StripeEvents:
    """Fulfils ports/vendor_events.py. Stripe lists the events of the last thirty days."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def undelivered(self, *, since: datetime, cursor: str | None = None) -> EventPage:
        params: dict[str, Any] = {
            "delivery_success": False,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        page = self._calls.call("get", "/v1/events", params)
        events = tuple(page["data"])
        return EventPage(events, events[-1]["id"] if page["has_more"] and events else None)
