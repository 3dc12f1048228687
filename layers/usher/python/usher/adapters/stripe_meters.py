"""Meters by Stripe.

Source: docs.stripe.com/api/billing/meter-event/create, /billing/meter-event-summary/list (read 2026-11).
"""

from usher.adapters.stripe_calls import StripeCalls
from usher.domain.errors import VendorRejected
from usher.ports.meters import MeterEvent

_HELD = "already exists with identifier"  # Stripe's words; this refusal has no code of its own


class StripeMeters:
    """Fulfils ports/meters.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def count(self, event: MeterEvent) -> None:
        params = {
            "event_name": event.meter,
            "identifier": event.identifier,
            "timestamp": int(event.at.timestamp()),
            "payload": {"stripe_customer_id": event.customer_id, "value": str(event.quantity)},
        }
        try:
            self._calls.call("post", "/v1/billing/meter_events", params, event.identifier)
        except VendorRejected as error:
            if _HELD not in str(error.__cause__):
                raise

    def counted(self, event: MeterEvent) -> int:
        start = int(event.at.timestamp()) // 60 * 60
        span = {"customer": event.customer_id, "start_time": start, "end_time": start + 60}
        found = self._calls.call(
            "get", f"/v1/billing/meters/{self._meter(event.meter)}/event_summaries", span
        )
        return int(sum(summary["aggregated_value"] for summary in found["data"]))

    def _meter(self, event_name: str) -> str:
        active = self._calls.pages("/v1/billing/meters", {"status": "active"})
        for meter in active:
            if meter["event_name"] == event_name:
                return str(meter["id"])
        raise VendorRejected(
            f"stripe: no active meter takes {event_name}", code="resource_missing", status=404
        )
