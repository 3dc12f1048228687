"""Bus: publishes events to whoever subscribed by a rule. Order is not kept; consumers are idempotent."""

from collections.abc import Sequence
from typing import Any, Protocol


class Bus(Protocol):
    """The one bus of this deployment."""

    def publish(self, events: Sequence[dict[str, Any]]) -> list[int]:
        """Publish event envelopes (domain/events.py, as JSON values).

        Returns the positions that the bus refused (PutEvents answers per entry); the caller tries those
        again. Raises StoreUnavailable when nothing was accepted.
        """
