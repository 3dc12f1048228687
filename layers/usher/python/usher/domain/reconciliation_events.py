"""Events of reconciliation: what we hold was compared with what the vendor holds."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from usher.domain.event import Event


class KindFound(BaseModel):
    """How many mismatches of one kind there were."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    kind: str
    count: int


class ReconciliationThresholdExceeded(Event):
    """A run found more mismatches than policy lets pass without a word; `open` of them wait for a person."""

    type: ClassVar[str] = "reconciliation.threshold_exceeded"
    run_id: str
    found: int
    healed: int
    open: int
    compared: int
    by_kind: tuple[KindFound, ...] = ()
