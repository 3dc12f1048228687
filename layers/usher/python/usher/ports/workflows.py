"""Workflows: starts executions, answers their waits, and looks at what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]


@dataclass(frozen=True, slots=True)
class Execution:
    """What is known of one execution. Times are UTC."""

    id: str
    name: str
    workflow: str
    status: ExecutionStatus
    started_at: datetime
    stopped_at: datetime | None = None
    error: str | None = None
    cause: str | None = None


class Workflows(Protocol):
    """Workflows are named as their file in statemachines/."""

    def start(self, workflow: str, *, name: str, input: Mapping[str, Any]) -> str:
        """Start an execution and return its id.

        A name that was used before is "already done", whatever its input: the id of that execution is
        returned and nothing starts. Raises StoreUnavailable.
        """

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        """Answer a waiting task; False when nobody waits for this token any more."""

    def fail(self, token: str, *, error: str, cause: str) -> bool:
        """Fail a waiting task; False when nobody waits for this token any more."""

    def describe(self, execution_id: str) -> Execution | None:
        """The execution, or None when there is none of this id."""

    def execution_id(self, workflow: str, name: str) -> str:
        """The id an execution of this name has or would have."""

    def redrive(self, execution_id: str) -> None:
        """Resume a failed execution from its failed state. Raises Conflict when it is not failed."""
