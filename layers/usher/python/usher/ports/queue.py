"""Queue: at-least-once messages with a delay, and order per group where the queue is FIFO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send. `body` becomes JSON; `attributes` must hold no personal data.

    `group` and `deduplication_id` are for FIFO queues only; `delay_seconds` (0-900) for standard ones.
    """

    body: Mapping[str, Any]
    delay_seconds: int = 0
    group: str | None = None
    deduplication_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class Queue(Protocol):
    """Queues are named as in infra/catalog.py."""

    def send(self, queue: str, messages: Sequence[Message]) -> None:
        """Returns once all messages are durable. Raises StoreUnavailable when any could not be sent."""

    def retry_soon(self, queue: str, receipts: Sequence[str], *, seconds: int) -> None:
        """These messages, taken and not done, come again in `seconds` instead of the queue's own time.

        At most ten; outdated receipts are ignored. Raises StoreUnavailable: the queue's own time stays.
        """
