"""What the steps of statemachines/reconciliation.asl.yaml take, give and share."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.errors import NotFound
from usher.records.reconciliations import Reconciliations, Run


class RunCommand(BaseModel):
    """Input of a step: which run, and which try of which visit this is."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid", frozen=True)

    run_id: str = Field(pattern=r"^rec_[a-z2-7]{26}$")
    correlation_id: str
    retry_count: int = 0
    entered_at: datetime


class RunResult(BaseModel):
    """Output of a step: `more` of the same is to be done, `wait` so many seconds first, or it is `done`."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    outcome: Literal["more", "wait", "done"]
    wait_seconds: int = 1


def run_of(command: RunCommand, runs: Reconciliations) -> Run:
    """The run of a step. Raises NotFound."""
    run = runs.find(command.run_id)
    if run is None:
        raise NotFound(f"no reconciliation {command.run_id}")
    return run
