"""One step of one execution: from what just happened to the next thing it waits for, as one write.

A `Transition` lives under its execution's lock. It changes the frames in memory, gathers the rows to commit
and what to do once they are durable (calls to make, timers to set); nothing leaves the engine before that.
"""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.engine import execution as phases
from infra.local.engine import faults, joins, states
from infra.local.engine.context import bindings
from infra.local.engine.definition import Rule
from infra.local.engine.errors import HEARTBEAT_TIMEOUT, RUNTIME, TIMEOUT, StateError
from infra.local.engine.execution import Execution, Frame, Payload, check_limit, encode, limited
from infra.local.engine.journal import Entry, insertion, redriving
from infra.local.engine.orders import Alarm, Call, ItemStart

MAX_EVENTS = 25_000  # AWS Step Functions service quotas: maximum execution history size
_ENDED = (phases.DONE, phases.FAILED, phases.ABORTED)
_BEGIN: dict[str, Callable[["Transition", Frame], None]] = {
    "Task": states.task,
    "Parallel": joins.parallel,
    "Map": joins.map_items,
    "Pass": states.pass_on,
    "Wait": states.wait,
    "Choice": states.choose,
    "Fail": states.fail,
    "Succeed": states.pass_on,
}


class _HistoryFull(Exception):
    """The execution has used up its history events."""


class Transition:
    """Gathers one step's changes; `entry` is its write, the lists are what follows it."""

    def __init__(self, execution: Execution, now: float) -> None:
        self.execution = execution
        self.now = now
        self.entry = Entry(execution.key, now)
        self.calls: list[Call] = []
        self.alarms: list[Alarm] = []
        self.item_starts: list[ItemStart] = []
        self.stopped_children: list[Frame] = []
        self.closed_tokens: list[str] = []
        self.opened_tokens: list[Frame] = []
        self.todo: list[tuple[Frame, str, Payload]] = []
        self._dirty: dict[Frame, None] = {}

    # -- what can happen to an execution -------------------------------------------------------------------

    def start(self) -> None:
        execution = self.execution
        self.entry.insert = insertion(execution)
        self.event(execution.root, "ExecutionStarted", f'{{"input":{execution.input.text}}}')
        self.todo.append((execution.root, execution.machine.scope.start, execution.input))
        self._run()

    def complete(self, frame: Frame, result: Payload) -> None:
        """The Task of a frame succeeded."""
        self._guarded(frame, lambda: self._complete(frame, result))

    def _complete(self, frame: Frame, result: Payload) -> None:
        state = frame.state
        frame.phase = ""
        check_limit(result, f"The result of the task '{state.name}'")
        self.event(frame, "TaskSucceeded", f'{{"resource":{state.quoted_resource},"output":{result.text}}}')
        self.leave(frame, state.leave, result)

    def submit(self, frame: Frame) -> None:
        """The call of a callback Task returned; now its token is waited for."""
        self._guarded(frame, lambda: self._submit(frame))

    def _submit(self, frame: Frame) -> None:
        frame.phase = phases.CALLBACK
        self.event(frame, "TaskSubmitted", f'{{"resource":{frame.state.quoted_resource}}}')
        self.touch(frame)

    def fail(self, frame: Frame, error: StateError, event: str = "TaskFailed") -> None:
        """The Task of a frame failed or timed out."""
        self._guarded(frame, lambda: self._fail_task(frame, error, event))

    def _fail_task(self, frame: Frame, error: StateError, event: str) -> None:
        detail = {"resource": frame.state.resource, "error": error.error, "cause": error.cause}
        self.event(frame, event, encode(detail))
        raise error

    def time_out(self, frame: Frame) -> None:
        self.fail(frame, StateError(TIMEOUT, "The task ran longer than its TimeoutSeconds."), "TaskTimedOut")

    def miss_heartbeat(self, frame: Frame) -> None:
        error = StateError(HEARTBEAT_TIMEOUT, "No heartbeat within HeartbeatSeconds.")
        self.fail(frame, error, "TaskTimedOut")

    def beat(self, frame: Frame) -> None:
        """A heartbeat arrived."""
        if frame.state.heartbeat is not None:
            states.set_heartbeat(self, frame)
            self.touch(frame)
        self._finish()

    def wake(self, frame: Frame) -> None:
        """A Wait is over, or the delay before a retry."""
        if frame.phase == phases.WAIT:
            self._guarded(frame, lambda: self.leave(frame, frame.state.leave, None))
        else:
            self._guarded(frame, lambda: self.begin(frame))

    def item_ended(self, frame: Frame, succeeded: bool, results: list[Any]) -> None:
        """An item of a distributed Map ended; `results` are those of all items when it was the last."""
        frame.remaining -= 1
        frame.failures += not succeeded
        self._guarded(frame, lambda: joins.item_ended(self, frame, results))

    def abort(self, status: str, error: str | None, cause: str | None) -> None:
        """Stop everything: StopExecution, or the machine's own timeout, which nothing catches."""
        self._abort_all()
        self.end(status, None, error, cause)
        self._finish()

    def redrive(self) -> None:
        """Go on from every unsuccessful state with the input it had; finished branches keep their results."""
        self.entry.redriven = redriving(self.execution, self.now)
        self.event(self.execution.root, "ExecutionRedriven", f'{{"redriveCount":{self.execution.redrives}}}')
        joins.redrive(self, self.execution.root)
        self._run()

    def resume(self, frame: Frame) -> None:
        """After a restart: make the call again that was in flight, wait again for what was waited for."""
        if frame.phase in (phases.TASK, phases.CHILD):
            self._guarded(frame, lambda: states.call(self, frame, again=True))
        elif frame.phase == phases.JOIN and frame.state.distributed:
            for index in range(frame.next_item):  # those that were started are found by their names
                joins.begin_item(self, frame, index)
        states.alarm_again(self, frame)
        self._finish()

    # -- the loop ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self.todo and not self.execution.ended:
                frame, name, payload = self.todo.pop(0)
                if frame.phase != phases.ABORTED:
                    self._enter(frame, name, payload)
        except _HistoryFull:
            self._overflow()
        self._finish()

    def _guarded(self, frame: Frame, action: Callable[[], None]) -> None:
        try:
            self.attempt(frame, action)
        except _HistoryFull:
            self._overflow()
        self._run()

    def attempt(self, frame: Frame, action: Callable[[], None]) -> None:
        try:
            action()
        except StateError as error:
            faults.handle(self, frame, error)

    def _overflow(self) -> None:
        self.todo.clear()
        self._abort_all()
        cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
        self.end("FAILED", None, RUNTIME, cause)

    def _finish(self) -> None:
        for frame in self._dirty:
            self.entry.frames[frame.path] = frame.to_text()

    def _enter(self, frame: Frame, name: str, payload: Payload) -> None:
        state = frame.scope.states[name]
        frame.state, frame.input, frame.entered, frame.phase = state, payload, self.now, ""
        if frame.retries:
            frame.retries = {}
            frame.retry_count = 0
        self.log(frame, f"{state.entered}{payload.text}}}")
        try:
            self.begin(frame)
        except StateError as error:
            faults.handle(self, frame, error)

    def begin(self, frame: Frame) -> None:
        """Do what the state does, up to where it has to wait."""
        _BEGIN[frame.state.type](self, frame)

    def leave(self, frame: Frame, rule: Rule, result: Payload | None, **extra: Any) -> None:
        """Assign and Output both see the old variables; the next state sees the new ones."""
        state = frame.state
        output = result if result is not None else frame.input
        detail = ""
        if rule.assign is not None or rule.output is not None:
            if result is not None:
                extra["result"] = result.value
            bindings = self.bindings(frame, extra)
            assigned = rule.assign(bindings) if rule.assign is not None else {}
            if rule.output is not None:
                value = rule.output(bindings)
                if value is frame.input.value:
                    output = frame.input
                elif result is None or value is not result.value:
                    output = limited(value, f"The output of the state '{state.name}'")
            if assigned:
                text = limited(assigned, f"What the state '{state.name}' assigns").text
                frame.variables = {**frame.variables, **assigned}
                detail = f',"assignedVariables":{text}'
        self.close(frame)
        self.log(frame, f"{state.exited}{output.text}{detail}}}")
        if rule.next is not None:
            self.todo.append((frame, rule.next, output))
        elif frame.parent is None:
            self.end("SUCCEEDED", output, None, None)
        else:
            frame.phase, frame.output = phases.DONE, output
            joins.child_done(self, frame, frame.parent)

    # -- what is over --------------------------------------------------------------------------------------

    def _abort_all(self) -> None:
        self.abort_below(self.execution.root)
        self.close(self.execution.root)
        self.touch(self.execution.root)

    def abort_below(self, frame: Frame) -> None:
        """Whatever still runs in the branches or iterations of a frame is over."""
        for descendant in frame.walk():
            if descendant is not frame and descendant.phase not in _ENDED:
                self.close(descendant)
                descendant.phase = phases.ABORTED
                self.touch(descendant)

    def close(self, frame: Frame) -> None:
        """Whatever the frame waited for comes too late from now on."""
        frame.attempt += 1
        frame.cancel_timers()
        if frame.token is not None:
            self.closed_tokens.append(frame.token)
        if frame.phase == phases.CHILD or (frame.phase == phases.JOIN and frame.state.distributed):
            self.stopped_children.append(frame)
        frame.deadline = frame.heartbeat = frame.token = None

    def drop_children(self, frame: Frame) -> None:
        for child in frame.children.values():
            for descendant in child.walk():
                self.entry.frames[descendant.path] = None
                descendant.phase = phases.ABORTED
                self._dirty.pop(descendant, None)
        frame.children = {}

    # -- the end -------------------------------------------------------------------------------------------

    def end(self, status: str, output: Payload | None, error: str | None, cause: str | None) -> None:
        execution = self.execution
        execution.ended = True
        execution.outcome = (status, output, error, cause, self.now)
        if execution.timer is not None:
            execution.timer.cancel()
        if output is not None:
            self.event(execution.root, "ExecutionSucceeded", f'{{"output":{output.text}}}', last=True)
            self.entry.frames.update({frame.path: None for frame in execution.root.walk()})
            self._dirty.clear()
            self.entry.clear = True
        else:
            kind = {"FAILED": "Failed", "ABORTED": "Aborted", "TIMED_OUT": "TimedOut"}[status]
            detail = {"error": error, "cause": cause}
            self.event(execution.root, f"Execution{kind}", encode(detail), last=True)
        tail = encode([error, cause, self.now, execution.events, int(execution.announced)])
        text = output.text if output is not None else "null"
        self.entry.end = f'[{execution.key},"{status}",{text},{tail[1:]}'

    # -- small things --------------------------------------------------------------------------------------

    def touch(self, frame: Frame) -> None:
        self._dirty[frame] = None

    def event(self, frame: Frame, kind: str, detail: str, *, last: bool = False) -> None:
        self.log(frame, f'"{kind}",{detail}', last=last)

    def log(self, frame: Frame, event: str, *, last: bool = False) -> None:
        """Add a history event; the one before it in this frame's line is its `previousEventId`."""
        execution = self.execution
        number = execution.events + 1
        if number >= MAX_EVENTS and not last:
            raise _HistoryFull
        execution.events = number
        self.entry.events.append(f"[{number},{frame.last_event},{event}]")
        frame.last_event = number

    def bindings(
        self, frame: Frame, extra: Mapping[str, Any] | None = None, item: tuple[int, Any] | None = None
    ) -> dict[str, Any]:
        """What an expression in this frame's state sees; see context.bindings."""
        return bindings(self.execution, frame, extra, item)
