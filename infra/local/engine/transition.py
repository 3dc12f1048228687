"""One step of one execution: from what just happened to the next thing it waits for, as one write.

A `Transition` lives under its execution's lock. It changes the frames in memory, gathers the rows to commit
and what to do once they are durable (calls to make, timers to set); nothing leaves the engine before that.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local.engine import execution as phases
from infra.local.engine.definition import Rule
from infra.local.engine.descriptions import timestamp
from infra.local.engine.errors import (
    HEARTBEAT_TIMEOUT,
    NO_CHOICE_MATCHED,
    QUERY_EVALUATION,
    RUNTIME,
    TIMEOUT,
    TOO_MANY_FAILED_ITEMS,
    StateError,
)
from infra.local.engine.execution import Execution, Frame, Payload, check_limit, encode, limited
from infra.local.engine.faults import catcher_for, delay, retrier_for
from infra.local.engine.fields import LONGEST_TIME, SYNC_SUFFIX
from infra.local.engine.journal import Entry, insertion

MAX_EVENTS = 25_000  # AWS Step Functions service quotas: maximum execution history size
_OPEN = (phases.TASK, phases.CALLBACK, phases.CHILD, phases.WAIT, phases.RETRY, phases.JOIN)


@dataclass(slots=True)
class Call:
    """A Task to carry out once its frontier is durable."""

    frame: Frame
    attempt: int
    arguments: Payload


@dataclass(slots=True)
class Alarm:
    """A timer to set: `kind` is timeout, heartbeat, wake; `wall` seconds or a business moment `due`."""

    frame: Frame
    attempt: int
    kind: str
    due: float
    wall: bool = False


@dataclass(slots=True)
class ChildStart:
    """An item of a distributed Map, to be run as an execution of its own."""

    frame: Frame
    attempt: int
    index: int
    input: Payload


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
        self.child_starts: list[ChildStart] = []
        self.stopped_children: list[Frame] = []
        self.closed_tokens: list[str] = []
        self.opened_tokens: list[Frame] = []
        self._todo: list[tuple[Frame, str, Payload]] = []
        self._dirty: dict[Frame, None] = {}

    # -- what can happen to an execution -------------------------------------------------------------------

    def start(self) -> None:
        execution = self.execution
        self.entry.insert = insertion(execution)
        self._event(execution.root, "ExecutionStarted", f'{{"input":{execution.input.text}}}')
        self._todo.append((execution.root, execution.machine.scope.start, execution.input))
        self._run()

    def complete(self, frame: Frame, result: Payload) -> None:
        """The Task of a frame succeeded."""
        self._guarded(frame, lambda: self._complete(frame, result))

    def _complete(self, frame: Frame, result: Payload) -> None:
        state = frame.state
        frame.phase = ""
        check_limit(result, f"The result of the task '{state.name}'")
        self._event(frame, "TaskSucceeded", f'{{"resource":{state.quoted_resource},"output":{result.text}}}')
        self._leave(frame, state.leave, result)

    def submit(self, frame: Frame) -> None:
        """The call of a callback Task returned; now its token is waited for."""
        self._guarded(frame, lambda: self._submit(frame))

    def _submit(self, frame: Frame) -> None:
        frame.phase = phases.CALLBACK
        self._event(frame, "TaskSubmitted", f'{{"resource":{frame.state.quoted_resource}}}')
        self._touch(frame)

    def fail(self, frame: Frame, error: StateError, event: str = "TaskFailed") -> None:
        """The Task of a frame failed or timed out."""
        self._guarded(frame, lambda: self._fail_task(frame, error, event))

    def _fail_task(self, frame: Frame, error: StateError, event: str) -> None:
        detail = {"resource": frame.state.resource, "error": error.error, "cause": error.cause}
        self._event(frame, event, encode(detail))
        raise error

    def time_out(self, frame: Frame) -> None:
        self.fail(frame, StateError(TIMEOUT, "The task ran longer than its TimeoutSeconds."), "TaskTimedOut")

    def miss_heartbeat(self, frame: Frame) -> None:
        error = StateError(HEARTBEAT_TIMEOUT, "No heartbeat within HeartbeatSeconds.")
        self.fail(frame, error, "TaskTimedOut")

    def beat(self, frame: Frame) -> None:
        """A heartbeat arrived: the next one is due a full interval from now."""
        assert frame.state.heartbeat is not None
        seconds = _seconds(frame.state.heartbeat(self._bindings(frame)), "HeartbeatSeconds")
        frame.heartbeat = self.now + seconds
        self.alarms.append(Alarm(frame, frame.attempt, "heartbeat", frame.heartbeat))
        self._touch(frame)
        self._finish()

    def wake(self, frame: Frame) -> None:
        """A Wait is over, or the delay before a retry."""
        if frame.phase == phases.WAIT:
            self._guarded(frame, lambda: self._leave(frame, frame.state.leave, None))
        else:
            self._guarded(frame, lambda: self._begin(frame))

    def item_ended(self, frame: Frame, succeeded: bool, results: list[Any]) -> None:
        """An item of a distributed Map ended; `results` are those of all items when it was the last."""
        frame.remaining -= 1
        frame.failures += not succeeded
        self._guarded(frame, lambda: self._after_item(frame, results))

    def abort(self, status: str, error: str | None, cause: str | None) -> None:
        """Stop everything: StopExecution, or the machine's own timeout, which nothing catches."""
        for frame in self.execution.root.walk():
            self._close(frame)
            if frame.phase in _OPEN:
                frame.phase = phases.ABORTED
                self._touch(frame)
        self._end(status, None, error, cause)
        self._finish()

    def redrive(self) -> None:
        """Go on from every unsuccessful state with the input it had; finished branches keep their results."""
        self._event(self.execution.root, "ExecutionRedriven", f'{{"redriveCount":{self.execution.redrives}}}')
        self._redrive(self.execution.root)
        self._run()

    def resume(self, frame: Frame) -> None:
        """After a restart: make the call again that was in flight, wait again for what was waited for."""
        if frame.phase == phases.TASK or (frame.phase == phases.CHILD and frame.child is not None):
            self._guarded(frame, lambda: self._call(frame, again=True))
        elif frame.phase == phases.JOIN and frame.state.distributed:
            for index in range(frame.next_item):  # those that were started are found by their names
                self._start_item(frame, index)
        self._alarm_again(frame)
        self._finish()

    # -- the loop ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._todo and not self.execution.ended:
                frame, name, payload = self._todo.pop(0)
                if frame.phase != phases.ABORTED:
                    self._enter(frame, name, payload)
        except _HistoryFull:
            self._overflow()
        self._finish()

    def _guarded(self, frame: Frame, action: Callable[[], None]) -> None:
        try:
            self._attempt(frame, action)
        except _HistoryFull:
            self._overflow()
        self._run()

    def _attempt(self, frame: Frame, action: Callable[[], None]) -> None:
        try:
            action()
        except StateError as error:
            self._handle(frame, error)

    def _overflow(self) -> None:
        self._todo.clear()
        cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
        for frame in self.execution.root.walk():
            self._close(frame)
        self._end("FAILED", None, RUNTIME, cause)

    def _finish(self) -> None:
        for frame in self._dirty:
            self.entry.frames[frame.path] = frame.to_text()

    def _enter(self, frame: Frame, name: str, payload: Payload) -> None:
        state = frame.scope.states[name]
        frame.state, frame.input, frame.entered, frame.phase = state, payload, self.now, ""
        if frame.retries:
            frame.retries = {}
            frame.retry_count = 0
        self._log(frame, f"{state.entered}{payload.text}}}")
        try:
            self._begin(frame)
        except StateError as error:
            self._handle(frame, error)

    def _begin(self, frame: Frame) -> None:
        """Do what the state does, up to where it has to wait."""
        _BEGIN[frame.state.type](self, frame)

    def _leave(self, frame: Frame, rule: Rule, result: Payload | None, **extra: Any) -> None:
        """Assign and Output both see the old variables; the next state sees the new ones."""
        state = frame.state
        output = result if result is not None else frame.input
        detail = ""
        if rule.assign is not None or rule.output is not None:
            if result is not None:
                extra["result"] = result.value
            bindings = self._bindings(frame, extra)
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
        self._close(frame)
        self._log(frame, f"{state.exited}{output.text}{detail}}}")
        if rule.next is not None:
            self._todo.append((frame, rule.next, output))
        else:
            self._scope_ended(frame, output)

    # -- state types ---------------------------------------------------------------------------------------

    def _pass(self, frame: Frame) -> None:
        self._leave(frame, frame.state.leave, None)

    def _choice(self, frame: Frame) -> None:
        state = frame.state
        bindings = self._bindings(frame)
        for rule in state.choices:
            assert rule.condition is not None
            answer = rule.condition(bindings)
            if not isinstance(answer, bool):
                raise StateError(
                    QUERY_EVALUATION, f"A Condition of '{state.name}' gave {_kind(answer)}, not a boolean."
                )
            if answer:
                return self._leave(frame, rule, None)
        if state.leave.next is None:
            raise StateError(NO_CHOICE_MATCHED, f"No choice of '{state.name}' matched and it has no Default.")
        return self._leave(frame, state.leave, None)

    def _wait(self, frame: Frame) -> None:
        state, bindings = frame.state, self._bindings(frame)
        if state.seconds is not None:
            due = self.now + _seconds(state.seconds(bindings), "Seconds", least=0)
        else:
            assert state.timestamp is not None
            due = _moment(state.timestamp(bindings))
        frame.attempt += 1
        frame.phase, frame.deadline = phases.WAIT, due
        self.alarms.append(Alarm(frame, frame.attempt, "wake", due))
        self._touch(frame)

    def _fail(self, frame: Frame) -> None:
        state, bindings = frame.state, self._bindings(frame)
        error = state.error(bindings) if state.error is not None else ""
        cause = state.cause(bindings) if state.cause is not None else ""
        if not isinstance(error, str) or not isinstance(cause, str):
            raise StateError(QUERY_EVALUATION, f"Error and Cause of '{state.name}' must be strings.")
        raise StateError(error, cause)

    def _task(self, frame: Frame) -> None:
        frame.attempt += 1
        frame.token = secrets.token_urlsafe(24) if frame.state.token else None
        frame.child = None
        self._call(frame)

    def _call(self, frame: Frame, *, again: bool = False) -> None:
        """Evaluate the arguments and order the call. `again`: after a crash, with the same token."""
        state, bindings = frame.state, self._bindings(frame)
        value = state.arguments(bindings) if state.arguments is not None else frame.input.value
        arguments = limited(value, f"The arguments of '{state.name}'")
        waits = state.token or state.resource.endswith(SYNC_SUFFIX)
        timeout = None
        if state.timeout is not None:
            timeout = _seconds(state.timeout(bindings), "TimeoutSeconds")
            if not waits:  # a computing function is timed by the wall, however fast business time runs
                self.alarms.append(Alarm(frame, frame.attempt, "timeout", timeout, wall=True))
        self.calls.append(Call(frame, frame.attempt, arguments))
        if again:
            return
        frame.deadline = frame.heartbeat = None
        if waits and timeout is not None:
            frame.deadline = self.now + timeout
            self.alarms.append(Alarm(frame, frame.attempt, "timeout", frame.deadline))
        if state.heartbeat is not None:
            frame.heartbeat = self.now + _seconds(state.heartbeat(bindings), "HeartbeatSeconds")
            self.alarms.append(Alarm(frame, frame.attempt, "heartbeat", frame.heartbeat))
        if state.resource.endswith(SYNC_SUFFIX):
            frame.phase, frame.child = phases.CHILD, secrets.token_hex(16)
        else:
            frame.phase = phases.TASK
        if frame.token is not None:
            self.entry.tokens.append(frame.token)
            self.opened_tokens.append(frame)
        resource = state.quoted_resource
        limit = f',"timeoutInSeconds":{timeout}' if timeout is not None else ""
        self._event(frame, "TaskScheduled", f'{{"resource":{resource},"parameters":{arguments.text}{limit}}}')
        self._event(frame, "TaskStarted", f'{{"resource":{resource}}}')
        self._touch(frame)

    def _parallel(self, frame: Frame) -> None:
        state = frame.state
        payload = frame.input
        if state.arguments is not None:
            payload = limited(state.arguments(self._bindings(frame)), f"The arguments of '{state.name}'")
        self._drop_children(frame)
        frame.phase, frame.remaining = phases.JOIN, len(state.branches)
        frame.attempt += 1
        self._event(frame, "ParallelStateStarted", "{}")
        self._touch(frame)
        for index, scope in enumerate(state.branches):
            child = frame.children[index] = Frame(self.execution, f"{frame.path}/{index}", scope, frame)
            child.last_event = frame.last_event
            self._todo.append((child, scope.start, payload))

    def _map(self, frame: Frame) -> None:
        state, bindings = frame.state, self._bindings(frame)
        items = state.items(bindings) if state.items is not None else frame.input.value
        if not isinstance(items, list):
            raise StateError(QUERY_EVALUATION, f"Items of '{state.name}' is {_kind(items)}, not an array.")
        if state.batch_size is not None:
            size = _seconds(state.batch_size(bindings), "MaxItemsPerBatch")
            items = [items[start : start + size] for start in range(0, len(items), size)]
        self._drop_children(frame)
        frame.phase, frame.items, frame.next_item, frame.failures = phases.JOIN, items, 0, 0
        frame.ended_items = set()
        frame.remaining = len(items)
        frame.attempt += 1
        self._event(
            frame, "MapRunStarted" if state.distributed else "MapStateStarted", f'{{"length":{len(items)}}}'
        )
        self.entry.items.append(f'[{self.execution.key},"{frame.path}",{Payload(items).text}]')
        self._touch(frame)
        self._next_items(frame)

    def _next_items(self, frame: Frame) -> None:
        """Start items up to MaxConcurrency; when none is left and none runs, the Map is done."""
        state = frame.state
        assert frame.items is not None
        bindings = self._bindings(frame)
        most = state.max_concurrency(bindings) if state.max_concurrency is not None else 0
        if not isinstance(most, int) or most < 0:
            raise StateError(QUERY_EVALUATION, f"MaxConcurrency of '{state.name}' is no whole number.")
        total = len(frame.items)
        room = (most or total) - (frame.next_item - (total - frame.remaining))
        while room > 0 and frame.next_item < total:
            self._start_item(frame, frame.next_item)
            frame.next_item += 1
            room -= 1
        self._touch(frame)
        if frame.remaining == 0:
            self._joined(frame, _outputs(frame))

    def _start_item(self, frame: Frame, index: int) -> None:
        state = frame.state
        assert frame.items is not None
        value = frame.items[index]
        if state.item_selector is not None:
            chosen: Any = [
                state.item_selector(self._bindings(frame, item=(index, one)))
                for one in (value if state.batch_size is not None else [value])
            ]
            selected = chosen if state.batch_size is not None else chosen[0]
        else:
            selected = value
        if state.batch_size is not None:
            selected = {"Items": selected}
            if state.batch_input is not None:
                selected["BatchInput"] = state.batch_input(self._bindings(frame))
        payload = limited(selected, f"Item {index} of '{state.name}'")
        if state.distributed:
            self.child_starts.append(ChildStart(frame, frame.attempt, index, payload))
            return
        scope = state.branches[0]
        child = frame.children[index] = Frame(self.execution, f"{frame.path}/{index}", scope, frame)
        child.item, child.last_event = (index, value), frame.last_event
        self._event(child, "MapIterationStarted", f'{{"name":{state.quoted},"index":{index}}}')
        self._todo.append((child, scope.start, payload))

    # -- joins ---------------------------------------------------------------------------------------------

    def _scope_ended(self, frame: Frame, output: Payload) -> None:
        parent = frame.parent
        if parent is None:
            return self._end("SUCCEEDED", output, None, None)
        frame.phase, frame.output = phases.DONE, output
        self._touch(frame)
        parent.remaining -= 1
        if parent.state.type == "Map":
            detail = f'{{"name":{parent.state.quoted},"index":{frame.path.rpartition("/")[2]}}}'
            self._event(frame, "MapIterationSucceeded", detail)
            return self._attempt(parent, lambda: self._next_items(parent))
        if parent.remaining == 0:
            return self._attempt(parent, lambda: self._parallel_joined(parent))
        return None

    def _parallel_joined(self, frame: Frame) -> None:
        self._joined(frame, _outputs(frame))

    def _joined(self, frame: Frame, results: list[Any]) -> None:
        frame.phase = ""
        result = limited(results, f"The result of '{frame.state.name}'")
        self._event(frame, f"{frame.state.type}StateSucceeded", "{}")
        self._leave(frame, frame.state.leave, result)
        self._drop_children(frame)

    def _after_item(self, frame: Frame, results: list[Any]) -> None:
        state, bindings = frame.state, self._bindings(frame)
        assert frame.items is not None
        if frame.failures:
            count = state.tolerated_count(bindings) if state.tolerated_count is not None else 0
            share = state.tolerated_percentage(bindings) if state.tolerated_percentage is not None else 0
            if frame.failures > max(count, len(frame.items) * share / 100):
                self._event(frame, "MapRunFailed", "{}")
                cause = f"{frame.failures} of {len(frame.items)} items failed."
                raise StateError(TOO_MANY_FAILED_ITEMS, cause)
        if frame.remaining > 0:
            return self._next_items(frame)
        self._event(frame, "MapRunSucceeded", "{}")
        return self._joined(frame, results)

    # -- failures ------------------------------------------------------------------------------------------

    def _handle(self, frame: Frame, error: StateError) -> None:
        """A state failed: retry it, catch it, or let its scope fail. Retriers count for themselves."""
        state = frame.state
        error = StateError(error.error[:256], error.cause[:32_768])  # the AWS API's limits
        self._close(frame)
        position = retrier_for(state.retriers, error.error)
        if position is not None and frame.retries.get(position, 0) < state.retriers[position].attempts:
            used = frame.retries.get(position, 0)
            frame.retries[position] = used + 1
            frame.retry_count += 1
            frame.phase = phases.RETRY
            frame.deadline = self.now + delay(state.retriers[position], used)
            self._drop_children(frame)
            self.alarms.append(Alarm(frame, frame.attempt, "wake", frame.deadline))
            return self._touch(frame)
        catcher = catcher_for(state.catchers, error.error)
        if catcher is None:
            return self._scope_failed(frame, error)
        output = limited(error.output(), "The error output")
        try:
            self._leave_by_catcher(frame, catcher, output)
        except StateError as second:  # nothing catches a failing catcher
            return self._scope_failed(frame, second)
        return self._drop_children(frame)

    def _leave_by_catcher(self, frame: Frame, catcher: Rule, output: Payload) -> None:
        """The error output is the state's output unless the catcher says otherwise."""
        saved = frame.input
        bindings = {"errorOutput": output.value}
        if catcher.output is None:
            value = output
        else:
            what = f"The output of the state '{frame.state.name}'"
            value = limited(catcher.output(self._bindings(frame, dict(bindings))), what)
        frame.input = saved
        rule = Rule(catcher.next, catcher.assign, lambda _: value)
        self._leave(frame, rule, None, **bindings)

    def _scope_failed(self, frame: Frame, error: StateError) -> None:
        frame.phase = phases.FAILED
        self._touch(frame)
        parent = frame.parent
        if parent is None:
            return self._end("FAILED", None, error.error, error.cause)
        for sibling in parent.walk():
            if sibling is not parent and sibling.phase not in (phases.DONE, phases.FAILED):
                self._close(sibling)
                sibling.phase = phases.ABORTED
                self._touch(sibling)
        if parent.state.type == "Map":
            detail = f'{{"name":{parent.state.quoted},"index":{frame.path.rpartition("/")[2]}}}'
            self._event(frame, "MapIterationFailed", detail)
        self._event(parent, f"{parent.state.type}StateFailed", encode(error.output()))
        return self._handle(parent, error)

    def _close(self, frame: Frame) -> None:
        """Whatever the frame waited for comes too late from now on."""
        frame.attempt += 1
        frame.cancel_timers()
        if frame.token is not None:
            self.closed_tokens.append(frame.token)
        if frame.phase == phases.CHILD or (frame.phase == phases.JOIN and frame.state.distributed):
            self.stopped_children.append(frame)
        frame.deadline = frame.heartbeat = frame.token = None

    def _drop_children(self, frame: Frame) -> None:
        for child in frame.children.values():
            for descendant in child.walk():
                self.entry.frames[descendant.path] = None
                descendant.phase = phases.ABORTED
                self._dirty.pop(descendant, None)
        frame.children = {}

    def _redrive(self, frame: Frame) -> None:
        if frame.phase == phases.DONE:
            return
        frame.retries, frame.retry_count = {}, 0
        if frame.state.type in ("Parallel", "Map") and (frame.children or frame.state.distributed):
            self._redrive_join(frame)
        else:
            self._attempt(frame, lambda: self._begin(frame))

    def _redrive_join(self, frame: Frame) -> None:
        frame.phase = phases.JOIN
        if frame.state.distributed:  # its failed items are executions of their own
            return self._attempt(frame, lambda: self._begin(frame))
        self._touch(frame)
        finished = sum(child.phase == phases.DONE for child in frame.children.values())
        if frame.state.type == "Map":
            assert frame.items is not None
            frame.remaining = len(frame.items) - finished
        else:
            frame.remaining = len(frame.state.branches) - finished
        for child in list(frame.children.values()):
            self._redrive(child)
        if frame.remaining == 0 and frame.state.type == "Parallel":
            return self._attempt(frame, lambda: self._parallel_joined(frame))
        if frame.state.type == "Map" and frame.phase == phases.JOIN:
            return self._attempt(frame, lambda: self._next_items(frame))
        return None

    # -- the end -------------------------------------------------------------------------------------------

    def _end(self, status: str, output: Payload | None, error: str | None, cause: str | None) -> None:
        execution = self.execution
        execution.ended = True
        execution.outcome = (status, output, error, cause, self.now)
        if execution.timer is not None:
            execution.timer.cancel()
        if output is not None:
            self._event(execution.root, "ExecutionSucceeded", f'{{"output":{output.text}}}', last=True)
            self.entry.frames.update({frame.path: None for frame in execution.root.walk()})
            self._dirty.clear()
            self.entry.clear = True
        else:
            kind = {"FAILED": "Failed", "ABORTED": "Aborted", "TIMED_OUT": "TimedOut"}[status]
            detail = {"error": error, "cause": cause}
            self._event(execution.root, f"Execution{kind}", encode(detail), last=True)
        tail = encode([error, cause, self.now, execution.events, int(execution.announced)])
        text = output.text if output is not None else "null"
        self.entry.end = f'[{execution.key},"{status}",{text},{tail[1:]}'

    # -- small things --------------------------------------------------------------------------------------

    def _touch(self, frame: Frame) -> None:
        self._dirty[frame] = None

    def _event(self, frame: Frame, kind: str, detail: str, *, last: bool = False) -> None:
        self._log(frame, f'"{kind}",{detail}', last=last)

    def _log(self, frame: Frame, event: str, *, last: bool = False) -> None:
        """Add a history event; the one before it in this frame's line is its `previousEventId`."""
        execution = self.execution
        number = execution.events + 1
        if number >= MAX_EVENTS and not last:
            raise _HistoryFull
        execution.events = number
        self.entry.events.append(f"[{number},{frame.last_event},{event}]")
        frame.last_event = number

    def _bindings(
        self, frame: Frame, extra: Mapping[str, Any] | None = None, item: tuple[int, Any] | None = None
    ) -> dict[str, Any]:
        """What an expression in this frame's state sees."""
        execution = self.execution
        context: dict[str, Any] = {
            "Execution": execution.context,
            "StateMachine": execution.machine_context,
        }
        if frame.state.uses_state_context:
            context["State"] = {
                "EnteredTime": timestamp(frame.entered),
                "Name": frame.state.name,
                "RetryCount": frame.retry_count,
            }
        if frame.token is not None:
            context["Task"] = {"Token": frame.token}
        if frame.parent is not None:
            item = item or next((one.item for one in _upwards(frame) if one.item is not None), None)
        if item is not None:
            context["Map"] = {"Item": {"Index": item[0], "Value": item[1]}}
        bindings = frame.bindings()
        bindings["states"] = {"input": frame.input.value, "context": context, **(extra or {})}
        return bindings

    def _alarm_again(self, frame: Frame) -> None:
        if frame.phase in (phases.WAIT, phases.RETRY) and frame.deadline is not None:
            self.alarms.append(Alarm(frame, frame.attempt, "wake", frame.deadline))
        elif frame.phase in (phases.TASK, phases.CALLBACK, phases.CHILD):
            if frame.deadline is not None:
                self.alarms.append(Alarm(frame, frame.attempt, "timeout", frame.deadline))
            if frame.heartbeat is not None:
                self.alarms.append(Alarm(frame, frame.attempt, "heartbeat", frame.heartbeat))


def _outputs(frame: Frame) -> list[Any]:
    """The outputs of a frame's branches or iterations, in their order."""
    outputs = (child.output for _, child in sorted(frame.children.items()))
    return [output.value for output in outputs if output is not None]


def _upwards(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.parent


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _seconds(value: Any, field: str, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LONGEST_TIME:
        raise StateError(QUERY_EVALUATION, f"{field} is {_kind(value)} or out of range.")
    return value


def _moment(value: Any) -> float:
    """An RFC 3339 timestamp as seconds since 1970; the States Language demands T and a zone."""
    try:
        if not isinstance(value, str) or "T" not in value:
            raise ValueError("no RFC 3339 timestamp")
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
    except ValueError as error:
        raise StateError(
            QUERY_EVALUATION, f"Timestamp is {_kind(value)} that cannot be read: {error}"
        ) from error
    return moment.timestamp()


_BEGIN: dict[str, Callable[[Transition, Frame], None]] = {
    "Task": Transition._task,
    "Parallel": Transition._parallel,
    "Map": Transition._map,
    "Pass": Transition._pass,
    "Wait": Transition._wait,
    "Choice": Transition._choice,
    "Fail": Transition._fail,
    "Succeed": Transition._pass,
}
