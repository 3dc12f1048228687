"""What every onboarding step takes and gives: ids and a place in time in, an outcome out (B1)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain import times
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


class AskCommand(StepCommand):
    """Input of a step that asks somebody and waits: the token that the answer is given to.

    `reminder` says that it was asked before and nobody answered.
    """

    task_token: str = Field(min_length=1)
    reminder: bool = False


class WaitTimes(BaseModel):
    """How long the workflow waits for an answer before it reminds, and from then to the end; seconds."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    remind_seconds: int = 1
    rest_seconds: int = 1


class StepResult(BaseModel):
    """Output of a step. `ok` goes on; `stop` cannot (the reason is on the record); others name a gate.

    `wait` is of the gate that comes next, and means nothing for `ok` and `stop`.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    outcome: Literal["ok", "stop", "confirm", "review", "pay", "reject", "undo", "close"] = "ok"
    wait: WaitTimes = WaitTimes()


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
