"""The moving parts: workers and the calls they make, commits and what follows them, timers."""

import itertools
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol

from infra.local.engine.children import Children
from infra.local.engine.descriptions import description, status_change
from infra.local.engine.errors import StateError, TaskError
from infra.local.engine.execution import Execution, Frame, Payload
from infra.local.engine.integrations import SERVICES, Integrations, InvocationContext, exception_cause
from infra.local.engine.journal import Entry, Journal
from infra.local.engine.lifecycle import Lifecycle
from infra.local.engine.machines import Machines
from infra.local.engine.orders import Alarm, Call
from infra.local.engine.running import Running
from infra.local.engine.transition import Transition
from infra.local.engine.workers import Workers
from infra.local.timers import Timer

logger = logging.getLogger(__name__)

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
        self.lifecycle = Lifecycle(self, clock)
        self._children = Children(self)
        self._workers = Workers(clock)
        self.running = Running(journal.last_key())
        self.tokens: dict[str, Frame] = {}
        self._stopping = False
        self._run_id = str(uuid.uuid4())[:23]
        self._request_numbers = itertools.count()

    # -- workers -------------------------------------------------------------------------------------------

    def open(self, workers: int) -> None:
        """Start the workers, take up what was running, tell of ends that were not told."""
        executions = [self.lifecycle.restored(row) for row in self.journal.running()]
        for execution in executions:
            self.running.add(execution)  # all of them, before one can ask for another
        self._workers.start(workers)
        for execution in executions:
            self.lifecycle.resume(execution)
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
            self.tokens.pop(token, None)
        for frame in transition.opened_tokens:
            if frame.token is not None:
                self.tokens[frame.token] = frame
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
            again = self.lifecycle.restored(row)
            if self.running.add(again):
                self.lifecycle.resume(again)
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


def _settle(committed: "Future[None]", error: BaseException | None) -> None:
    if error is None:
        committed.set_result(None)
    else:
        committed.set_exception(error)
