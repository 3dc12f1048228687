"""The local workflow engine: States Language (JSONata) on one machine, durable in SQLite; docs/engine.md."""

from infra.local.engine.descriptions import execution_arn, machine_arn
from infra.local.engine.engine import Engine
from infra.local.engine.errors import (
    EngineError,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    InvalidName,
    StateMachineDoesNotExist,
    TaskDoesNotExist,
    TaskError,
    TaskTimedOut,
)
from infra.local.engine.integrations import Integrations, InvocationContext, exception_cause

__all__ = [
    "Engine",
    "EngineError",
    "ExecutionAlreadyExists",
    "ExecutionDoesNotExist",
    "ExecutionNotRedrivable",
    "Integrations",
    "InvalidExecutionInput",
    "InvalidName",
    "InvocationContext",
    "StateMachineDoesNotExist",
    "TaskDoesNotExist",
    "TaskError",
    "TaskTimedOut",
    "exception_cause",
    "execution_arn",
    "machine_arn",
]
