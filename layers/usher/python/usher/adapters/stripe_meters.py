"""Meters by Stripe. Source: docs.stripe.com/api/billing/meter-event/create (read 2026-11)."""

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
