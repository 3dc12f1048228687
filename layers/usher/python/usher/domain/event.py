"""What an event is: a typed, versioned fact, and the envelope it travels in."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Base of all payloads. `type` and `version` name the schema; money is minor units, time ISO 8601 UTC."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    type: ClassVar[str]
    version: ClassVar[int] = 1


class Envelope(BaseModel):
    """How an event is stored and published. `sequence` counts per account from 1, without gaps."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    event_id: str
    type: str
    version: int
    timestamp: str
    account_id: str
    sequence: int
    correlation_id: str
    payload: dict[str, Any]
    context: dict[str, str]
