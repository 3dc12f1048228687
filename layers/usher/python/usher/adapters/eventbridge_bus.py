"""The bus port on EventBridge."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from usher.adapters.aws_errors import outages
from usher.adapters.batches import MAX_BYTES, batches
from usher.domain.errors import StoreUnavailable
from usher.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "usher"


class EventBridgeBus:
    """Implements usher.ports.bus.Bus on the bus the settings name."""

    def __init__(self, client: "EventBridgeClient", settings: Settings) -> None:
        self._client = client
        self._bus = settings.bus

    def publish(self, events: Sequence[dict[str, Any]]) -> list[int]:
        entries = [self._entry(event) for event in events]
        sizes = [_size(entry) for entry in entries]
        refused = [n for n, size in enumerate(sizes) if size > MAX_BYTES or not entries[n]["DetailType"]]
        sendable = [(n, size) for n, size in enumerate(sizes) if n not in set(refused)]
        accepted, outage = 0, None
        for positions in batches(sendable):
            try:
                with outages("EventBridge"):
                    answer = self._client.put_events(Entries=[entries[n] for n in positions])
            except StoreUnavailable as error:
                refused += positions
                outage = error
                continue
            failed = [
                n for n, entry in zip(positions, answer["Entries"], strict=True) if "ErrorCode" in entry
            ]
            refused += failed
            accepted += len(positions) - len(failed)
        if outage is not None and not accepted:
            raise outage
        return sorted(refused)

    def _entry(self, event: dict[str, Any]) -> "PutEventsRequestEntryTypeDef":
        return {
            "Source": SOURCE,
            "DetailType": str(event.get("type") or ""),
            "Detail": json.dumps(event, separators=(",", ":")),
            "EventBusName": self._bus,
        }


def _size(entry: "PutEventsRequestEntryTypeDef") -> int:
    """What EventBridge counts ("Calculating PutEvents event entry size"); our entries have no time."""
    return sum(len(str(entry.get(name, "")).encode()) for name in ("Source", "DetailType", "Detail"))
