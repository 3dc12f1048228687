"""What is done to a whole execution: it is started, answered, stopped, redriven, and taken up again."""

import re
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local.engine.definition import Machine
from infra.local.engine.descriptions import execution_arn, timestamp
from infra.local.engine.errors import (
    TIMEOUT,
    ExecutionAlreadyExists,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    InvalidName,
    TaskDoesNotExist,
    TaskTimedOut,
)
from infra.local.engine.execution import LIMIT, Execution, Frame, ParentLink, Payload
from infra.local.engine.restore import restored
from infra.local.engine.transition import Transition

if TYPE_CHECKING:
    from infra.local.engine.runtime import EngineClock, Runtime

_BAD_NAME = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')


class Lifecycle:
    """Each act is one transition under the lock; all but `resume` return once it is durable."""

    def __init__(self, runtime: "Runtime", clock: "EngineClock") -> None:
        self._runtime = runtime
        self._clock = clock

    def start(self, machine: Machine, name: str, input: Any, parent: ParentLink | None) -> str:
        """See Engine.start_execution."""
        runtime = self._runtime
        if not 0 < len(name) <= 80 or _BAD_NAME.search(name):
            raise InvalidName(f"{name!r} cannot name an execution: 1 to 80 letters, digits, - or _")
        try:
            payload = Payload.copied(input)
        except (TypeError, ValueError) as error:
            raise InvalidExecutionInput(f"the input is not JSON: {error}") from error
        if payload.bytes() > LIMIT:
            raise InvalidExecutionInput(f"the input is larger than {LIMIT} bytes")
        started = self._clock.timestamp()
        execution = Execution(
            runtime.running.next_key(),
            execution_arn(machine.name, name),
            name,
            machine,
            payload,
            started=started,
            started_text=timestamp(started),
            parent=parent,
        )
        execution.announced = runtime.on_ended is None
        execution.lock.acquire()  # whoever finds it waits until its start is decided
        known = runtime.running.find_or_add(execution)
        if known is not None:
            with known.lock:
                if known.input.value == payload.value and not known.ended:
                    return known.id
            raise ExecutionAlreadyExists(f"{known.id} runs with another input, or has ended")
        committed: Future[None] = Future()
        try:
            if runtime.journal.known(execution.id):
                raise ExecutionAlreadyExists(f"{execution.id} has already ended")
            if machine.timeout is not None:
                execution.deadline = execution.started + machine.timeout
            transition = Transition(execution, execution.started)
            transition.start()
            runtime.commit(transition, committed)
            self._time(execution)
        except BaseException:
            execution.ended = True
            runtime.running.forget(execution)
            raise
        finally:
            execution.lock.release()
        committed.result()
        return execution.id

    def answer(self, token: str, apply: Callable[[Transition, Frame], None]) -> None:
        """Change the task that waits for a token; durable when it returns."""
        runtime = self._runtime
        frame = runtime.tokens.get(token)
        if frame is None and not runtime.journal.token_exists(token):
            raise TaskDoesNotExist("no task was ever given this token")
        if frame is None:
            raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
        committed: Future[None] = Future()
        with frame.execution.lock:
            if frame.execution.ended or frame.token != token:
                raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
            transition = runtime.transition(frame.execution)
            apply(transition, frame)
            runtime.commit(transition, committed)
        committed.result()

    def stop(self, id: str, error: str | None, cause: str | None) -> bool:
        """Abort an execution if it runs; returns whether it did."""
        execution = self._runtime.running.get(id)
        if execution is None:
            return False
        self._end(execution, "ABORTED", error, cause)
        return True

    def redrive(self, row: Any) -> None:
        """See Engine.redrive; the row is that of an unsuccessful execution."""
        runtime = self._runtime
        execution = self.restored(row)
        committed: Future[None] = Future()
        with execution.lock:
            if not runtime.running.add(execution):
                raise ExecutionNotRedrivable(f"{execution.id} is being redriven already")
            transition = runtime.transition(execution)
            execution.redrives += 1
            execution.context["RedriveCount"] = execution.redrives
            execution.context["RedriveTime"] = timestamp(transition.now)
            timeout = execution.machine.timeout
            execution.deadline = transition.now + timeout if timeout is not None else None
            transition.redrive()
            runtime.commit(transition, committed)
            self._time(execution)
        committed.result()

    def resume(self, execution: Execution) -> None:
        """Go on with a running execution where its last commit left it."""
        runtime = self._runtime
        with execution.lock:
            for frame in execution.root.walk():
                if frame.token is not None:
                    runtime.tokens[frame.token] = frame
            for frame in list(execution.root.walk()):
                transition = runtime.transition(execution)
                transition.resume(frame)
                runtime.commit(transition)
            self._time(execution)

    def restored(self, row: Any) -> Execution:
        """The execution of a row, as its last commit left it."""
        runtime = self._runtime
        execution = restored(row, runtime.machines.of_digest(row["digest"]), runtime.journal)
        execution.announced = runtime.on_ended is None
        return execution

    def _end(self, execution: Execution, status: str, error: str | None, cause: str | None) -> None:
        runtime = self._runtime
        committed: Future[None] = Future()
        with execution.lock:
            if execution.ended:
                return
            transition = runtime.transition(execution)
            transition.abort(status, error, cause)
            runtime.commit(transition, committed)
        committed.result()

    def _time(self, execution: Execution) -> None:
        """Set the timer of the machine's own timeout."""
        if execution.deadline is None or execution.ended:
            return

        def ring() -> None:
            self._runtime.put(self._end, execution, "TIMED_OUT", TIMEOUT, None)

        execution.timer = self._clock.call_at(datetime.fromtimestamp(execution.deadline, UTC), ring)
