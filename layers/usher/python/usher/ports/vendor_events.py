"""Vendor events: those that the payment vendor could not deliver, asked for page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events as the vendor would have delivered them, the newest first; `cursor` leads to older ones."""

    events: tuple[dict[str, Any], ...]
    cursor: str | None


class VendorEvents(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def undelivered(self, *, since: datetime, cursor: str | None = None) -> EventPage:
        """A hundred of those since a moment that some endpoint has not taken."""
