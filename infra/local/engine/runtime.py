"""The moving parts: workers, commits and what follows them, timers, and executions in memory."""

import itertools
import logging
import re
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol

from infra.local.engine.children import Children
from infra.local.engine.definition import Machine
from infra.local.engine.descriptions import description, execution_arn, status_change, timestamp
from infra.local.engine.errors import (
    TIMEOUT,
    ExecutionAlreadyExists,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    InvalidName,
    StateError,
    TaskDoesNotExist,
    TaskError,
    TaskTimedOut,
)
from infra.local.engine.execution import LIMIT, Execution, Frame, ParentLink, Payload
from infra.local.engine.integrations import SERVICES, Integrations, InvocationContext, exception_cause
from infra.local.engine.journal import Entry, Journal
from infra.local.engine.machines import Machines
from infra.local.engine.orders import Alarm, Call
from infra.local.engine.restore import restored
from infra.local.engine.running import Running
from infra.local.engine.transition import Transition
from infra.local.engine.workers import Workers
from infra.local.timers import Timer

logger = logging.getLogger(__name__)

_BAD_NAME = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
_RELOAD_SECONDS = 1.0

OnEnded = Callable[[dict[str, Any]], None]


class EngineClock(Protocol):
    """What the engine needs of infra.local.clock."""

    def timestamp(self) -> float: ...

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer: ...

    def call_after_wall(self, seconds: float, callback: Callable[[], None]) -> Timer: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...


class Runtime:
    """Executions in memory and the threads that carry them on. Engine is its public face."""

    def __init__(
        self, journal: Journal, clock: EngineClock, integrations: Integrations, on_ended: OnEnded | None
    ) -> None:
        self.journal = journal
        self.machines = Machines(journal)
        self.on_ended = on_ended
        self._clock = clock
        self._integrations = integrations
        self._children = Children(self)
        self._workers = Workers(clock)
        self.running = Running(journal.last_key())
        self._tokens: dict[str, Frame] = {}
        self._stopping = False
        self._run_id = str(uuid.uuid4())[:23]
        self._request_numbers = itertools.count()

    # -- workers -------------------------------------------------------------------------------------------

    def open(self, workers: int) -> None:
        """Start the workers, take up what was running, tell of ends that were not told."""
        executions = [self._restored(row) for row in self.journal.running()]
        for execution in executions:
            self.running.add(execution)  # all of them, before one can ask for another
        self._workers.start(workers)
        for execution in executions:
            self._resume(execution)
        if self.on_ended is not None:
            for row in self.journal.silent():
                self.put(self._announce, row["key"], description(row))

    def close(self) -> None:
        """Let the calls in flight return, then stop."""
        self._stopping = True
        self._workers.stop()
        for execution in self.running.all():
            with execution.lock:
                execution.ended = True
                for frame in execution.root.walk():
                    frame.cancel_timers()
                if execution.timer is not None:
                    execution.timer.cancel()

    def put(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have a worker do it; business time is not skipped until it is done."""
        self._workers.put(function, arguments)

    def _call(self, call: Call) -> None:
        """Carry out one Task on this thread; a result that comes too late is dropped."""
        frame = call.frame
        execution = frame.execution
        if self._stopping or execution.ended or frame.attempt != call.attempt:
            return
        state = frame.state
        outcome = self._outcome(call)
        with execution.lock:
            if outcome is None or execution.ended or frame.attempt != call.attempt:
                return
            transition = self.transition(execution)
            if isinstance(outcome, StateError):
                transition.fail(frame, outcome)
            elif state.token:
                transition.submit(frame)
            else:
                transition.complete(frame, outcome)
            self.commit(transition)

    def _outcome(self, call: Call) -> Payload | StateError | None:
        """What a Task gave, or how it failed; None when a child's end will tell."""
        frame = call.frame
        service = frame.state.resource
        try:
            arguments = Payload.parse(call.arguments.text).value  # the callee gets a copy of its own
            if service.startswith("states:startExecution"):
                return self._children.start(call, arguments)
            name = str(arguments.get("FunctionName", service))
            request = f"{self._run_id}-{next(self._request_numbers):012x}"
            context = InvocationContext(request, name, frame.execution.id, frame.state.name)
            return SERVICES[service](self._integrations, arguments, context)
        except TaskError as error:
            return StateError(error.error, error.cause)
        except Exception as error:  # noqa: BLE001 - the function's own; Lambda reports its class name
            return StateError(type(error).__name__, exception_cause(error))

    # -- commits and what follows them ---------------------------------------------------------------------

    def transition(self, execution: Execution) -> Transition:
        """A step of an execution, now. Called under its lock."""
        return Transition(execution, self._clock.timestamp())

    def commit(self, transition: Transition, committed: "Future[None] | None" = None) -> None:
        """Write a transition; what it ordered happens when it is durable. Called under the lock."""
        for token in transition.closed_tokens:
            self._tokens.pop(token, None)
        for frame in transition.opened_tokens:
            if frame.token is not None:
                self._tokens[frame.token] = frame
        if transition.entry.is_empty() and committed is None:
            return self._follow(transition)
        self._clock.begin()

        def done(error: BaseException | None) -> None:
            try:
                if error is None:
                    self._follow(transition)
                else:
                    self._lost(transition.execution, error)
                if committed is not None:
                    _settle(committed, error)
            finally:
                self._clock.end()

        return self.journal.commit(transition.entry, done)

    def _follow(self, transition: Transition) -> None:
        """Mostly on the writer's thread: hand out work, nothing more."""
        for alarm in transition.alarms:
            self._set(alarm)
        for call in transition.calls:
            self.put(self._call, call)
        for item in transition.item_starts:
            self.put(self._children.start_item, item)
        for frame in transition.stopped_children:
            self.put(self._children.stop, frame)
        if transition.execution.ended:
            self.put(self._ended, transition.execution)

    def _lost(self, execution: Execution, error: BaseException) -> None:
        """A commit failed: forget what was only in memory; go on from the disk when it may work again."""
        logger.error("a commit failed; %s goes on from its last one", execution.id, exc_info=error)
        execution.ended = True
        self.running.forget(execution)

        def reload() -> None:
            row = self.journal.row(execution.id)
            if row is None or row["status"] != "RUNNING" or self._stopping:
                return
            again = self._restored(row)
            if self.running.add(again):
                self._resume(again)
            else:  # a start under this name is just being refused
                self._clock.call_after_wall(_RELOAD_SECONDS, lambda: self.put(reload))

        self._clock.call_after_wall(_RELOAD_SECONDS, lambda: self.put(reload))

    def _ended(self, execution: Execution) -> None:
        self.running.forget(execution)
        if execution.parent is not None:
            self._children.ended(execution.parent, execution.id)
        if self.on_ended is not None:
            self._announce(execution.key, execution.described())

    def _announce(self, key: int, described: dict[str, Any]) -> None:
        assert self.on_ended is not None
        self.on_ended(status_change(described))
        entry = Entry(key)
        entry.announced = True
        self.journal.commit(entry, lambda error: None)  # when it fails, the end is told once more

    # -- timers --------------------------------------------------------------------------------------------

    def _set(self, alarm: Alarm) -> None:
        frame = alarm.frame
        if frame.attempt != alarm.attempt:
            return

        def ring() -> None:
            self.put(self._ring, alarm)

        if alarm.wall:
            timer = self._clock.call_after_wall(alarm.due, ring)
        else:
            timer = self._clock.call_at(datetime.fromtimestamp(alarm.due, UTC), ring)
        frame.timers.append(timer)
        if frame.attempt != alarm.attempt:
            timer.cancel()

    def _ring(self, alarm: Alarm) -> None:
        frame = alarm.frame
        with frame.execution.lock:
            if frame.execution.ended or frame.attempt != alarm.attempt:
                return
            transition = self.transition(frame.execution)
            if alarm.kind == "wake":
                transition.wake(frame)
            elif alarm.kind == "timeout":
                transition.time_out(frame)
            elif frame.heartbeat is not None and frame.heartbeat <= alarm.due:
                transition.miss_heartbeat(frame)
            else:
                return  # a heartbeat came in between; its own alarm is set
            self.commit(transition)

    def _time(self, execution: Execution) -> None:
        """Set the timer of the machine's own timeout."""
        if execution.deadline is None or execution.ended:
            return

        def ring() -> None:
            self.put(self._end, execution, "TIMED_OUT", TIMEOUT, None)

        execution.timer = self._clock.call_at(datetime.fromtimestamp(execution.deadline, UTC), ring)

    # -- executions ----------------------------------------------------------------------------------------

    def start(self, machine: Machine, name: str, input: Any, parent: ParentLink | None) -> str:
        """See Engine.start_execution."""
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
            self.running.next_key(),
            execution_arn(machine.name, name),
            name,
            machine,
            payload,
            started=started,
            started_text=timestamp(started),
            parent=parent,
        )
        execution.announced = self.on_ended is None
        execution.lock.acquire()  # whoever finds it waits until its start is decided
        known = self.running.find_or_add(execution)
        if known is not None:
            with known.lock:
                if known.input.value == payload.value and not known.ended:
                    return known.id
            raise ExecutionAlreadyExists(f"{known.id} runs with another input, or has ended")
        committed: Future[None] = Future()
        try:
            if self.journal.known(execution.id):
                raise ExecutionAlreadyExists(f"{execution.id} has already ended")
            if machine.timeout is not None:
                execution.deadline = execution.started + machine.timeout
            transition = Transition(execution, execution.started)
            transition.start()
            self.commit(transition, committed)
            self._time(execution)
        except BaseException:
            execution.ended = True
            self.running.forget(execution)
            raise
        finally:
            execution.lock.release()
        committed.result()
        return execution.id

    def answer(self, token: str, apply: Callable[[Transition, Frame], None]) -> None:
        """Change the task that waits for a token; durable when it returns."""
        frame = self._tokens.get(token)
        if frame is None and not self.journal.token_exists(token):
            raise TaskDoesNotExist("no task was ever given this token")
        if frame is None:
            raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
        committed: Future[None] = Future()
        with frame.execution.lock:
            if frame.execution.ended or frame.token != token:
                raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
            transition = self.transition(frame.execution)
            apply(transition, frame)
            self.commit(transition, committed)
        committed.result()

    def stop_execution(self, id: str, error: str | None, cause: str | None) -> bool:
        """Abort an execution if it runs; returns whether it did."""
        execution = self.running.get(id)
        if execution is None:
            return False
        self._end(execution, "ABORTED", error, cause)
        return True

    def _end(self, execution: Execution, status: str, error: str | None, cause: str | None) -> None:
        committed: Future[None] = Future()
        with execution.lock:
            if execution.ended:
                return
            transition = self.transition(execution)
            transition.abort(status, error, cause)
            self.commit(transition, committed)
        committed.result()

    def redrive(self, row: Any) -> None:
        """See Engine.redrive; the row is that of an unsuccessful execution."""
        execution = self._restored(row)
        committed: Future[None] = Future()
        with execution.lock:
            if not self.running.add(execution):
                raise ExecutionNotRedrivable(f"{execution.id} is being redriven already")
            transition = self.transition(execution)
            execution.redrives += 1
            execution.context["RedriveCount"] = execution.redrives
            execution.context["RedriveTime"] = timestamp(transition.now)
            timeout = execution.machine.timeout
            execution.deadline = transition.now + timeout if timeout is not None else None
            transition.redrive()
            self.commit(transition, committed)
            self._time(execution)
        committed.result()

    def _resume(self, execution: Execution) -> None:
        """Go on with a running execution where its last commit left it."""
        with execution.lock:
            for frame in execution.root.walk():
                if frame.token is not None:
                    self._tokens[frame.token] = frame
            for frame in list(execution.root.walk()):
                transition = self.transition(execution)
                transition.resume(frame)
                self.commit(transition)
            self._time(execution)

    def _restored(self, row: Any) -> Execution:
        execution = restored(row, self.machines.of_digest(row["digest"]), self.journal)
        execution.announced = self.on_ended is None
        return execution


def _settle(committed: "Future[None]", error: BaseException | None) -> None:
    if error is None:
        committed.set_result(None)
    else:
        committed.set_exception(error)
