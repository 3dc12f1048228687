"""The engine as its users see it: the Step Functions API on one machine."""

import uuid
from collections.abc import Callable
from typing import Any

from infra.local.database import Database
from infra.local.engine.descriptions import description, timestamp
from infra.local.engine.errors import (
    ExecutionDoesNotExist,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    StateError,
)
from infra.local.engine.execution import Frame, Payload
from infra.local.engine.integrations import Integrations
from infra.local.engine.journal import Journal
from infra.local.engine.runtime import EngineClock, OnEnded, Runtime
from infra.local.engine.transition import Transition
from infra.state_machine_file import Document

REDRIVABLE_SECONDS = 14 * 86_400  # AWS API RedriveExecution
MAX_REDRIVEN_EVENTS = 24_999  # the same: one event must be left


class Engine:
    """Runs state machines.

    Register every workflow before `start`: executions that were running go on at once.

    Args:
        database: where frontiers and history live; shared with others as they like.
        clock: business time and timers.
        integrations: what Tasks call.
        workers: threads that make those calls.
        on_ended: called on a worker thread, at least once per ended execution, with what EventBridge carries
            as "Step Functions Execution Status Change". When it raises, it is called again at the next start.
    """

    def __init__(
        self,
        database: Database,
        clock: EngineClock,
        integrations: Integrations,
        *,
        workers: int = 32,
        on_ended: OnEnded | None = None,
    ) -> None:
        self._clock = clock
        self._workers = workers
        self._journal = Journal(database)
        self._runtime = Runtime(self._journal, clock, integrations, on_ended)
        self._lifecycle = self._runtime.lifecycle

    def register(self, name: str, document: Document) -> None:
        """Make a workflow startable under `name`; executions that run keep the text they began with.

        Raises:
            StateMachineFileError: the file holds something that is not supported.
        """
        self._runtime.machines.register(name, document)

    def start(self) -> None:
        """Start the workers and resume every execution that was running."""
        self._runtime.open(self._workers)

    def stop(self) -> None:
        """Let the calls in flight return, then stop; what is unfinished resumes at the next start."""
        self._runtime.close()

    def start_execution(self, machine: str, name: str | None, input: Any) -> str:
        """Start an execution and return its id once it is durable; without a name it gets a random one.

        The same name with the same input, while that execution runs, returns its id.

        Raises:
            ExecutionAlreadyExists, StateMachineDoesNotExist, InvalidName, InvalidExecutionInput.
        """
        definition = self._runtime.machines.named(machine)
        return self._lifecycle.start(definition, str(uuid.uuid4()) if name is None else name, input, None)

    def send_task_success(self, token: str, output: Any) -> None:
        """Answer a waiting task; durable when it returns. Raises TaskDoesNotExist, TaskTimedOut."""
        try:
            result = Payload.copied(output)
        except (TypeError, ValueError) as error:
            raise InvalidExecutionInput(f"the output is not JSON: {error}") from error
        self._answer(token, lambda transition, frame: transition.complete(frame, result))

    def send_task_failure(self, token: str, error: str = "", cause: str = "") -> None:
        """Fail a waiting task; durable when it returns. Raises TaskDoesNotExist, TaskTimedOut."""
        self._answer(token, lambda transition, frame: transition.fail(frame, StateError(error, cause)))

    def send_task_heartbeat(self, token: str) -> None:
        """Tell that a task is alive: its heartbeat is due a full interval from now.

        Raises:
            TaskDoesNotExist, TaskTimedOut.
        """
        self._answer(token, lambda transition, frame: transition.beat(frame))

    def _answer(self, token: str, apply: Callable[[Transition, Frame], None]) -> None:
        self._lifecycle.answer(token, apply)

    def stop_execution(self, id: str, *, error: str | None = None, cause: str | None = None) -> None:
        """Abort a running execution; one that ended stays as it is. Raises ExecutionDoesNotExist."""
        if not self._lifecycle.stop(id, error, cause):
            self._row(id)

    def redrive(self, id: str) -> None:
        """Resume an unsuccessful execution from its failed states, with retry counters at zero.

        Raises:
            ExecutionDoesNotExist, ExecutionNotRedrivable.
        """
        row = self._row(id)
        if row["status"] in ("RUNNING", "SUCCEEDED"):
            raise ExecutionNotRedrivable(f"{id} is {row['status']}; only an unsuccessful one can be redriven")
        if self._clock.timestamp() - row["stopped"] > REDRIVABLE_SECONDS:
            raise ExecutionNotRedrivable(f"{id} ended more than 14 days ago; start a new execution")
        if self._journal.events_written(row["key"]) >= MAX_REDRIVEN_EVENTS:
            raise ExecutionNotRedrivable(f"{id} has used up its history; start a new execution")
        self._lifecycle.redrive(row)

    def describe(self, id: str) -> dict[str, Any]:
        """What the DescribeExecution API says, times as RFC 3339, input and output as data.

        Raises:
            ExecutionDoesNotExist.
        """
        return description(self._row(id))

    def list_executions(
        self, *, status: str | None = None, machine: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Descriptions, newest first."""
        return [description(row) for row in self._journal.rows(status, machine, limit)]

    def history(self, id: str) -> list[dict[str, Any]]:
        """Every event in order: id, previousEventId, type, timestamp, and its details as data.

        Raises:
            ExecutionDoesNotExist.
        """
        return [
            {
                "id": number,
                "previousEventId": previous,
                "type": kind,
                "timestamp": timestamp(moment),
                "details": details,
            }
            for number, previous, moment, kind, details in self._journal.history(self._row(id)["key"])
        ]

    def _row(self, id: str) -> Any:
        row = self._journal.row(id)
        if row is None:
            raise ExecutionDoesNotExist(f"no execution has the id {id}")
        return row
