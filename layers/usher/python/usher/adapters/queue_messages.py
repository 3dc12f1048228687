"""Messages of the queue port as SQS takes them: their JSON text and limits, the same for both deployments."""

import hashlib
import json
from dataclasses import dataclass

from usher.domain.errors import InvalidCommand
from usher.ports.queue import Message

MAX_BYTES = 256 * 1024  # body and attributes together; also of one batch
MAX_ATTRIBUTES = 10
MAX_DELAY_SECONDS = 900

_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message ready to be sent. `size` counts what SQS counts; the id is None on a standard queue."""

    body: str
    size: int
    deduplication_id: str | None


def encode(message: Message, *, fifo: bool) -> Encoded:
    """Check and encode a message; a FIFO message without a deduplication id gets its content's hash.

    Raises InvalidCommand for what SQS would refuse.
    """
    body = _dumps(message.body)
    size = len(body) + sum(
        len(name.encode()) + len(value.encode()) + len("String") for name, value in message.attributes.items()
    )
    if size > MAX_BYTES:
        raise InvalidCommand(f"a message of {size} bytes exceeds {MAX_BYTES}; store the content, send its id")
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise InvalidCommand(f"a message has at most {MAX_ATTRIBUTES} attributes")
    if not 0 <= message.delay_seconds <= MAX_DELAY_SECONDS:
        raise InvalidCommand(f"a delay is 0 to {MAX_DELAY_SECONDS} seconds, not {message.delay_seconds}")
    if not fifo:
        return Encoded(body, size, None)
    if message.delay_seconds or not message.group:
        raise InvalidCommand("a message of a FIFO queue needs a group and cannot have a delay")
    return Encoded(body, size, message.deduplication_id or hashlib.sha256(body.encode()).hexdigest())
