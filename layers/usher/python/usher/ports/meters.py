"""Meters: usage told to the payment vendor, which bills it at the end of each period."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """So much usage of one customer at one moment (UTC).

    `identifier` names it for ever: the same one always carries the same content, and counts once.
    """

    identifier: str
    meter: str
    customer_id: str
    quantity: int
    at: datetime


class Meters(Protocol):
    """Raises VendorUnavailable, whose outcome may be unknown, and VendorRejected."""

    def count(self, event: MeterEvent) -> None:
        """Have it counted; one that the vendor has counted before (in the last 24 hours) is no error."""

    def counted(self, event: MeterEvent) -> int:
        """How much of this customer's usage the vendor has in the minute of the event; it may lag behind."""
