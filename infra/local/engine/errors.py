"""What can go wrong in the engine: refused files, refused calls, failed tasks, failed states.

* EngineError                  - a call to the engine was refused; named as the AWS API names it
  + ExecutionAlreadyExists     - the name is taken by other input, or by an execution that ended
  + ExecutionDoesNotExist, StateMachineDoesNotExist, TaskDoesNotExist
  + TaskTimedOut               - the task of this token timed out, ended or was aborted
  + ExecutionNotRedrivable, InvalidName, InvalidExecutionInput
* TaskError                    - raised by an integration: an error name and a cause
* StateError                   - a state failed; Retry and Catch look at its name
"""

from typing import Any


class EngineError(Exception):
    """A call to the engine was refused."""


class ExecutionAlreadyExists(EngineError):
    """The name belongs to an execution with other input, or to one that ended."""


class ExecutionDoesNotExist(EngineError):
    """No execution has this id."""


class StateMachineDoesNotExist(EngineError):
    """No machine was registered under this name."""


class TaskDoesNotExist(EngineError):
    """No task was ever given this token."""


class TaskTimedOut(EngineError):
    """The task of this token is closed: it timed out, was answered, or its execution ended."""


class ExecutionNotRedrivable(EngineError):
    """The execution runs, succeeded, ended over 14 days ago, or its history is full."""


class InvalidName(EngineError):
    """An execution's name is empty, longer than 80, or has characters that names cannot have."""


class InvalidExecutionInput(EngineError):
    """An execution's input is not JSON, or larger than 256 KiB."""


class TaskError(Exception):
    """A task failed as its service reports it: `error` is what ErrorEquals compares, `cause` explains."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class StateError(Exception):
    """A state failed with an error name; `cause` goes into the error output."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause

    def output(self) -> dict[str, Any]:
        """`$states.errorOutput` in a catcher."""
        return {"Error": self.error, "Cause": self.cause}


QUERY_EVALUATION = "States.QueryEvaluationError"
DATA_LIMIT = "States.DataLimitExceeded"
RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
TASK_FAILED = "States.TaskFailed"
ALL = "States.ALL"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
TOO_MANY_FAILED_ITEMS = "States.ExceedToleratedFailureThreshold"
