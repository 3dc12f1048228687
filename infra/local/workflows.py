"""The workflows port over the local engine."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

from infra.local.engine import (
    Engine,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    InvalidName,
    StateMachineDoesNotExist,
    TaskDoesNotExist,
    TaskTimedOut,
    execution_arn,
)
from usher.domain.errors import Conflict, InvalidCommand, NotFound, StoreUnavailable
from usher.domain.times import moment
from usher.ports.workflows import Execution, ExecutionStatus

_STATUSES: tuple[str, ...] = get_args(ExecutionStatus)


class LocalWorkflows:
    """Implements ports.workflows.Workflows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, workflow: str, *, name: str, input: Mapping[str, Any]) -> str:
        try:
            with _storing():
                return self._engine.start_execution(workflow, name, dict(input))
        except ExecutionAlreadyExists:
            return self.execution_id(workflow, name)
        except StateMachineDoesNotExist as error:
            raise NotFound(f"infra/catalog.py lists no workflow {workflow!r}") from error
        except (InvalidName, InvalidExecutionInput) as error:
            raise InvalidCommand(str(error)) from error

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        try:
            with _storing():
                self._engine.send_task_success(token, dict(output))
        except (TaskDoesNotExist, TaskTimedOut):
            return False
        except InvalidExecutionInput as error:
            raise InvalidCommand(str(error)) from error
        return True

    def fail(self, token: str, *, error: str, cause: str) -> bool:
        try:
            with _storing():
                self._engine.send_task_failure(token, error, cause)
        except (TaskDoesNotExist, TaskTimedOut):
            return False
        return True

    def describe(self, execution_id: str) -> Execution | None:
        try:
            with _storing():
                found = self._engine.describe(execution_id)
        except ExecutionDoesNotExist:
            return None
        status: ExecutionStatus = found["status"]
        assert status in _STATUSES
        return Execution(
            id=found["executionArn"],
            name=found["name"],
            workflow=found["stateMachine"],
            status=status,
            started_at=moment(found["startDate"]),
            stopped_at=moment(found["stopDate"]) if found["stopDate"] else None,
            error=found["error"],
            cause=found["cause"],
        )

    def execution_id(self, workflow: str, name: str) -> str:
        return execution_arn(workflow, name)

    def redrive(self, execution_id: str) -> None:
        try:
            with _storing():
                self._engine.redrive(execution_id)
        except ExecutionDoesNotExist as error:
            raise NotFound(str(error)) from error
        except ExecutionNotRedrivable as error:
            raise Conflict(str(error)) from error


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the engine could not use its database: {type(error).__name__}") from error
