"""What every onboarding step takes and gives: ids and a place in time in, an outcome out."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain import times
from usher.ports.store import Item
from usher.records.signups import step_mark


class StepCommand(BaseModel):
    """Input of a step; `extra="forbid"` so that a typo in the workflow file fails loudly.

    `retry_count` is the state machine's own count, 0 at the first try; `entered_at` is when the state began.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid", frozen=True)

    signup_id: str = Field(pattern=r"^su_[a-z2-7]{26}$")
    correlation_id: str
    retry_count: int = 0
    entered_at: datetime


class StepResult(BaseModel):
    """Output of a step: `ok`, or `stop` when the sign-up cannot go on (the reason is on the record)."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    outcome: Literal["ok", "stop"] = "ok"


OK, STOP = StepResult(), StepResult(outcome="stop")


def mark(
    command: StepCommand, step: str, now: datetime, *, status: str = "done", error: str | None = None
) -> dict[str, Any]:
    """The attribute that records how this step ended, written together with what it achieved."""
    started, attempts = times.text(command.entered_at), command.retry_count + 1
    finished = times.text(now) if status in {"done", "failed"} else None
    return step_mark(
        step, status=status, attempts=attempts, started_at=started, finished_at=finished, error=error
    )


def without_none(values: Item) -> Item:
    """Only the values that are known."""
    return {name: value for name, value in values.items() if value is not None}
