"""The engine: runs registered workflows on worker threads, durably, across restarts."""

import contextlib
import itertools
import json
import logging
import queue
import re
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from infra.local.clock import Timer
from infra.local.database import Database
from infra.local.engine import execution as phases
from infra.local.engine.definition import Machine, Scope, State, compile_machine
from infra.local.engine.descriptions import (
    description,
    execution_arn,
    item_result,
    status_change,
    sync_output,
    timestamp,
)
from infra.local.engine.errors import (
    TASK_FAILED,
    TIMEOUT,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    InvalidName,
    StateError,
    StateMachineDoesNotExist,
    TaskDoesNotExist,
    TaskError,
    TaskTimedOut,
)
from infra.local.engine.execution import Execution, Frame, ParentLink, Payload
from infra.local.engine.integrations import SERVICES, Integrations, InvocationContext, exception_cause
from infra.local.engine.journal import Entry, Journal
from infra.local.engine.transition import Alarm, Call, ChildStart, Transition
from infra.state_machine_file import Document

logger = logging.getLogger(__name__)

_BAD_NAME = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
REDRIVABLE_SECONDS = 14 * 86_400
MAX_REDRIVEN_EVENTS = 24_999
_STOP = None
_LINK = ("parent_key", "parent_path", "parent_mark")
_STORED = Path("(stored definition)")
_RELOAD_SECONDS = 1.0

OnEnded = Callable[[dict[str, Any]], None]
Job = tuple[Callable[..., None], tuple[Any, ...]]


class EngineClock(Protocol):
    """What the engine needs of infra.local.clock."""

    def timestamp(self) -> float: ...

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer: ...

    def call_after_wall(self, seconds: float, callback: Callable[[], None]) -> Timer: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...


class Engine:
    """Runs state machines.

    Args:
        database: where frontiers and history live; shared with others as they like.
        clock: business time and timers.
        integrations: what Tasks call.
        workers: threads that make those calls.
        on_ended: called on a worker thread, at least once per ended execution, with what EventBridge carries
            as "Step Functions Execution Status Change".
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
        self._journal = Journal(database)
        self._clock = clock
        self._integrations = integrations
        self._worker_count = workers
        self._on_ended = on_ended
        self._machines: dict[str, Machine] = {}
        self._by_digest: dict[str, Machine] = {}
        self._running: dict[str, Execution] = {}
        self._by_key: dict[int, Execution] = {}
        self._tokens: dict[str, Frame] = {}
        self._lock = threading.Lock()  # guards the dictionaries above and the key counter
        self._next_key = self._journal.last_key()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._run_id = str(uuid.uuid4())[:23]
        self._request_numbers = itertools.count()

    # -- life ----------------------------------------------------------------------------------------------

    def register(self, name: str, document: Document) -> None:
        """Make a workflow startable under `name`; executions that run keep the text they began with.

        Raises:
            StateMachineFileError: the file holds something that is not supported.
        """
        machine = compile_machine(name, document)
        self._journal.define(machine.digest, name, machine.text)
        self._machines[name] = self._by_digest[machine.digest] = machine

    def start(self) -> None:
        """Start the workers and resume every execution that was running."""
        self._threads = [
            threading.Thread(target=self._work, name=f"engine:{n}", daemon=True)
            for n in range(self._worker_count)
        ]
        for thread in self._threads:
            thread.start()
        for row in self._journal.running():
            self._load(row)
        if self._on_ended is not None:
            for row in self._journal.silent():
                self._put(self._announce, row["key"], description(row))

    def stop(self) -> None:
        """Let the calls in flight return, then stop; what is unfinished resumes at the next start."""
        self._stopping = True
        for _ in self._threads:
            self._jobs.put(_STOP)
        for thread in self._threads:
            thread.join()
        with self._lock:
            executions = list(self._running.values())
        for execution in executions:
            with execution.lock:
                execution.ended = True
                for frame in execution.root.walk():
                    frame.cancel_timers()
                if execution.timer is not None:
                    execution.timer.cancel()

    # -- the API -------------------------------------------------------------------------------------------

    def start_execution(
        self, machine: str, name: str | None, input: Any, *, parent: ParentLink | None = None
    ) -> str:
        """Start an execution and return its id once it is durable.

        The same name with the same input, while that execution runs, returns its id.

        Raises:
            ExecutionAlreadyExists, StateMachineDoesNotExist, InvalidName, InvalidExecutionInput.
        """
        definition = self._machines.get(machine)
        if definition is None:
            raise StateMachineDoesNotExist(f"no workflow is registered as {machine!r}")
        return self._start(definition, name or str(uuid.uuid4()), input, parent)

    def _start(self, machine: Machine, name: str, input: Any, parent: ParentLink | None) -> str:
        if not 0 < len(name) <= 80 or _BAD_NAME.search(name):
            raise InvalidName(
                f"{name!r} cannot name an execution: 1 to 80 characters, no blanks or <>{{}}[]?*"
            )
        try:
            payload = Payload.copied(input)
        except (TypeError, ValueError) as error:
            raise InvalidExecutionInput(f"the input is not JSON: {error}") from error
        if payload.bytes() > phases.LIMIT:
            raise InvalidExecutionInput(f"the input is larger than {phases.LIMIT} bytes")
        id = execution_arn(machine.name, name)
        now = self._clock.timestamp()
        with self._lock:
            known = self._running.get(id)
            if known is None:
                self._next_key += 1
                execution = Execution(
                    self._next_key,
                    id,
                    name,
                    machine,
                    payload,
                    started=now,
                    started_text=timestamp(now),
                    parent=parent,
                )
                execution.announced = self._on_ended is None
                execution.lock.acquire()  # whoever finds it waits until its start is decided
                self._running[id] = self._by_key[execution.key] = execution
        if known is not None:
            with known.lock:
                if known.input.value == payload.value:
                    return id
            raise ExecutionAlreadyExists(f"{id} runs with another input")
        try:
            if self._journal.known(id):
                raise ExecutionAlreadyExists(f"{id} has already ended")
            if machine.timeout is not None:
                execution.deadline = now + machine.timeout
            transition = Transition(execution, now)
            transition.start()
            committed: Future[None] = Future()
            self._commit(transition, committed)
            if execution.deadline is not None and not execution.ended:
                self._time_execution(execution)
        except BaseException:
            execution.ended = True
            self._forget(execution)
            raise
        finally:
            execution.lock.release()
        committed.result()
        return id

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
        """Tell that a task is alive: its heartbeat is due a full interval from now."""

        def beat(transition: Transition, frame: Frame) -> None:
            if frame.state.heartbeat is not None:
                transition.beat(frame)

        self._answer(token, beat)

    def stop_execution(self, id: str, *, error: str | None = None, cause: str | None = None) -> None:
        """Abort a running execution; one that ended stays as it is. Raises ExecutionDoesNotExist."""
        execution = self._running.get(id)
        if execution is not None:
            self._end_from_outside(execution, "ABORTED", error, cause)
        elif self._journal.row(id) is None:
            raise ExecutionDoesNotExist(f"no execution has the id {id}")

    def redrive(self, id: str) -> None:
        """Resume an unsuccessful execution from its failed states, with retry counters at zero.

        Raises:
            ExecutionDoesNotExist, ExecutionNotRedrivable.
        """
        row = self._journal.row(id)
        if row is None:
            raise ExecutionDoesNotExist(f"no execution has the id {id}")
        now = self._clock.timestamp()
        events = self._journal.events_written(row["key"])
        if row["status"] in ("RUNNING", "SUCCEEDED"):
            raise ExecutionNotRedrivable(f"{id} is {row['status']}; only an unsuccessful one can be redriven")
        if now - row["stopped"] > REDRIVABLE_SECONDS:
            raise ExecutionNotRedrivable(f"{id} ended more than 14 days ago; start a new execution")
        if events >= MAX_REDRIVEN_EVENTS:
            raise ExecutionNotRedrivable(f"{id} has used up its history; start a new execution")
        execution = self._restore(row)
        with self._lock:
            if id in self._running:
                raise ExecutionNotRedrivable(f"{id} is being redriven already")
            execution.lock.acquire()
            self._running[id] = self._by_key[execution.key] = execution
        try:
            execution.redrives = row["redrives"] + 1
            execution.context["RedriveCount"] = execution.redrives
            execution.context["RedriveTime"] = timestamp(now)
            timeout = execution.machine.timeout
            execution.deadline = now + timeout if timeout is not None else None
            self._journal.redriven(execution.key, now, execution.deadline)
            transition = Transition(execution, now)
            transition.redrive()
            committed: Future[None] = Future()
            self._commit(transition, committed)
            if execution.deadline is not None and not execution.ended:
                self._time_execution(execution)
        finally:
            execution.lock.release()
        committed.result()

    def describe(self, id: str) -> dict[str, Any]:
        """What the DescribeExecution API says, times as RFC 3339, input and output as data.

        Raises:
            ExecutionDoesNotExist.
        """
        row = self._journal.row(id)
        if row is None:
            raise ExecutionDoesNotExist(f"no execution has the id {id}")
        return description(row)

    def list_executions(
        self, *, status: str | None = None, machine: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Descriptions, newest first."""
        return [description(row) for row in self._journal.rows(status, machine, limit)]

    def history(self, id: str) -> list[dict[str, Any]]:
        """Every event in order: id, previousEventId, type, timestamp, and its details as data."""
        row = self._journal.row(id)
        if row is None:
            raise ExecutionDoesNotExist(f"no execution has the id {id}")
        return [
            {
                "id": number,
                "previousEventId": previous,
                "type": kind,
                "timestamp": timestamp(moment),
                "details": details,
            }
            for number, previous, moment, kind, details in self._journal.history(row["key"])
        ]

    # -- workers -------------------------------------------------------------------------------------------

    def _put(self, function: Callable[..., None], *arguments: Any) -> None:
        self._clock.begin()
        self._jobs.put((function, arguments))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not _STOP:
            try:
                function, arguments = job
                function(*arguments)
            except Exception:  # a bug of ours: say so, keep the worker
                logger.exception("a job of the workflow engine failed")
            finally:
                self._clock.end()

    def _call(self, call: Call) -> None:
        """Carry out one Task on this thread; a result that comes too late is dropped."""
        frame = call.frame
        execution = frame.execution
        if self._stopping or execution.ended or frame.attempt != call.attempt:
            return
        state = frame.state
        result: Payload | None = None
        failure: StateError | None = None
        try:
            arguments = Payload.parse(call.arguments.text).value  # the callee gets a copy of its own
            if state.resource.startswith("states:startExecution"):
                result = self._start_child(call, arguments)
            else:
                name = str(arguments.get("FunctionName", state.resource))
                context = InvocationContext(self._request_id(), name, execution.id, state.name, None)
                result = SERVICES[state.resource](self._integrations, arguments, context)
        except TaskError as error:
            failure = StateError(error.error, error.cause)
        except Exception as error:  # noqa: BLE001 - the function's own; Lambda reports its class name
            failure = StateError(type(error).__name__, exception_cause(error))
        with execution.lock:
            if execution.ended or frame.attempt != call.attempt:
                return
            transition = Transition(execution, self._clock.timestamp())
            if failure is not None:
                transition.fail(frame, failure)
            elif result is None:
                return  # a synchronous child: its end will be told
            elif state.token:
                transition.submit(frame)
            else:
                transition.complete(frame, result)
            self._commit(transition)

    def _request_id(self) -> str:
        return f"{self._run_id}-{next(self._request_numbers):012x}"

    def _start_child(self, call: Call, arguments: dict[str, Any]) -> Payload | None:
        """`states:startExecution`: None when the Task waits for the child's end."""
        frame = call.frame
        machine = str(arguments["StateMachineArn"]).rpartition(":")[2]
        link = ParentLink((frame.execution.key, frame.path, call.attempt << 32)) if frame.child else None
        name = str(arguments.get("Name") or frame.child or uuid.uuid4())
        if link is not None and self._is_ours(execution_arn(machine, name), link):
            return None
        try:
            id = self.start_execution(machine, name, arguments.get("Input", {}), parent=link)
        except ExecutionAlreadyExists as error:
            raise TaskError("StepFunctions.ExecutionAlreadyExistsException", str(error)) from error
        except (StateMachineDoesNotExist, InvalidName, InvalidExecutionInput) as error:
            raise TaskError(f"StepFunctions.{type(error).__name__}Exception", str(error)) from error
        if link is not None:
            child = self._running.get(id)
            if child is not None and child.parent != link:
                raise TaskError("StepFunctions.ExecutionAlreadyExistsException", f"{id} is not this task's")
            return None
        return Payload({"ExecutionArn": id, "StartDate": self.describe(id)["startDate"]})

    def _is_ours(self, id: str, link: ParentLink) -> bool:
        """Whether the child was started before a crash; if it has ended by now, its parent is told."""
        row = self._journal.row(id)
        if row is None or tuple(row[name] for name in _LINK) != link:
            return False
        if row["status"] != "RUNNING":
            self._put(self._child_ended, link, id)
        return True

    # -- transitions and what follows them -----------------------------------------------------------------

    def _commit(self, transition: Transition, committed: "Future[None] | None" = None) -> None:
        """Write a transition; what it ordered happens when it is durable. Called under the lock."""
        for token in transition.closed_tokens:
            self._tokens.pop(token, None)
        for frame in transition.opened_tokens:
            if frame.token is not None:
                self._tokens[frame.token] = frame
        self._clock.begin()

        def done(error: BaseException | None) -> None:
            try:
                if error is not None:
                    self._lost(transition.execution, error)
                else:
                    self._follow(transition)
                if committed is not None:
                    _settle(committed, error)
            finally:
                self._clock.end()

        self._journal.commit(transition.entry, done)

    def _follow(self, transition: Transition) -> None:
        """On the writer's thread: hand out work, nothing more."""
        for alarm in transition.alarms:
            self._set(alarm)
        for call in transition.calls:
            self._put(self._call, call)
        for child in transition.child_starts:
            self._put(self._start_item, child)
        for frame in transition.stopped_children:
            self._put(self._stop_children, frame)
        if transition.execution.ended:
            self._put(self._ended, transition.execution)

    def _set(self, alarm: Alarm) -> None:
        frame = alarm.frame
        if frame.attempt != alarm.attempt:
            return

        def ring() -> None:
            self._put(self._ring, alarm)

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
            transition = Transition(frame.execution, self._clock.timestamp())
            if alarm.kind == "wake":
                transition.wake(frame)
            elif alarm.kind == "timeout":
                transition.time_out(frame)
            elif frame.heartbeat is not None and frame.heartbeat <= alarm.due:
                transition.miss_heartbeat(frame)
            else:
                return  # a heartbeat came in between; its own alarm is set
            self._commit(transition)

    def _answer(self, token: str, apply: Callable[[Transition, Frame], None]) -> None:
        frame = self._tokens.get(token)
        if frame is None:
            if self._journal.token_exists(token):
                raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
            raise TaskDoesNotExist("no task was ever given this token")
        with frame.execution.lock:
            if frame.execution.ended or frame.token != token:
                raise TaskTimedOut("the task of this token timed out, was answered, or its execution ended")
            transition = Transition(frame.execution, self._clock.timestamp())
            apply(transition, frame)
            committed: Future[None] = Future()
            self._commit(transition, committed)
        committed.result()

    def _time_execution(self, execution: Execution) -> None:
        assert execution.deadline is not None

        def ring() -> None:
            self._put(self._end_from_outside, execution, "TIMED_OUT", TIMEOUT, None)

        execution.timer = self._clock.call_at(datetime.fromtimestamp(execution.deadline, UTC), ring)

    def _end_from_outside(
        self, execution: Execution, status: str, error: str | None, cause: str | None
    ) -> None:
        with execution.lock:
            if execution.ended:
                return
            transition = Transition(execution, self._clock.timestamp())
            transition.abort(status, error, cause)
            committed: Future[None] = Future()
            self._commit(transition, committed)
        committed.result()

    def _ended(self, execution: Execution) -> None:
        self._forget(execution)
        if execution.parent is not None:
            self._child_ended(execution.parent, execution.id)
        if self._on_ended is not None:
            self._announce(execution.key, execution.described())

    def _announce(self, key: int, described: dict[str, Any]) -> None:
        assert self._on_ended is not None
        self._on_ended(status_change(described))
        entry = Entry(key)
        entry.announced = True
        self._journal.commit(entry, lambda error: None)

    def _forget(self, execution: Execution) -> None:
        with self._lock:
            if self._running.get(execution.id) is execution:
                del self._running[execution.id]
            if self._by_key.get(execution.key) is execution:
                del self._by_key[execution.key]

    # -- children ------------------------------------------------------------------------------------------

    def _start_item(self, child: ChildStart) -> None:
        frame = child.frame
        if frame.execution.ended or frame.attempt != child.attempt:
            return
        link = ParentLink((frame.execution.key, frame.path, (child.attempt << 32) + child.index))
        name = uuid.uuid5(uuid.NAMESPACE_OID, f"{frame.execution.id} {link}").hex
        machine = self._item_machine(frame.execution.machine, frame.state)
        try:
            self._start(machine, name, child.input.value, link)
        except ExecutionAlreadyExists:  # resumed after it was started
            id = execution_arn(machine.name, name)
            if self.describe(id)["status"] != "RUNNING":
                self._child_ended(link, id)

    def _item_machine(self, machine: Machine, state: State) -> Machine:
        digest = f"{machine.digest}#{state.name}"
        label = str(state.body.get("Label", state.name)).replace(" ", "-")[:40]
        return self._by_digest.setdefault(
            digest, Machine(f"{machine.name}.{label}", state.branches[0], None, digest, "")
        )

    def _child_ended(self, link: ParentLink, id: str) -> None:
        key, path, mark = link
        parent = self._by_key.get(key)
        if parent is None:
            return  # the parent ended; its child is on its own
        child = self.describe(id)
        with parent.lock:
            frame = next((one for one in parent.root.walk() if one.path == path), None)
            if parent.ended or frame is None or frame.attempt != mark >> 32:
                return
            transition = Transition(parent, self._clock.timestamp())
            if frame.phase == phases.CHILD:
                self._sync_ended(transition, frame, child)
            elif frame.phase == phases.JOIN:
                index = mark & 0xFFFFFFFF
                if index in frame.ended_items:
                    return
                self._item_ended(transition, frame, index, child)
            self._commit(transition)

    def _sync_ended(self, transition: Transition, frame: Frame, child: dict[str, Any]) -> None:
        """`.sync:2` gives the child's description, with input and output as data."""
        output = sync_output(child)
        if child["status"] == "SUCCEEDED":
            transition.complete(frame, Payload(output))
        else:
            transition.fail(frame, StateError(TASK_FAILED, json.dumps(output)))

    def _item_ended(self, transition: Transition, frame: Frame, index: int, child: dict[str, Any]) -> None:
        results: list[Any] = []
        if frame.remaining == 1:
            mine = {
                row["parent_mark"] & 0xFFFFFFFF: description(row)
                for row in self._journal.children(frame.execution.key, frame.path)
                if row["parent_mark"] >> 32 == frame.attempt
            }
            results = [item_result(row) for _, row in sorted(mine.items())]
        frame.ended_items.add(index)
        transition.item_ended(frame, child["status"] == "SUCCEEDED", results)

    def _stop_children(self, frame: Frame) -> None:
        for row in self._journal.children(frame.execution.key, frame.path):
            if row["status"] == "RUNNING" and row["parent_mark"] >> 32 < frame.attempt:
                self.stop_execution(row["id"], cause="its parent no longer waits for it")

    # -- restart -------------------------------------------------------------------------------------------

    def _load(self, row: Any) -> None:
        """Take up a running execution where its last commit left it."""
        execution = self._restore(row)
        with self._lock:
            self._running[execution.id] = self._by_key[execution.key] = execution
        with execution.lock:
            for frame in execution.root.walk():
                if frame.token is not None:
                    self._tokens[frame.token] = frame
                transition = Transition(execution, self._clock.timestamp())
                transition.resume(frame)
                self._commit(transition)
            if execution.deadline is not None:
                self._time_execution(execution)

    def _lost(self, execution: Execution, error: BaseException) -> None:
        """A commit failed: forget what was only in memory, and go on from the disk when it may work again."""
        logger.error("a commit failed; %s goes on from its last one", execution.id, exc_info=error)
        execution.ended = True
        self._forget(execution)

        def reload() -> None:
            row = self._journal.row(execution.id)
            if row is not None and row["status"] == "RUNNING" and not self._stopping:
                self._load(row)

        self._clock.call_after_wall(_RELOAD_SECONDS, lambda: self._put(reload))

    def _restore(self, row: Any) -> Execution:
        machine = self._machine_of(row["digest"])
        parent = None
        if row["parent_key"] is not None:
            parent = ParentLink((row["parent_key"], row["parent_path"], row["parent_mark"]))
        execution = Execution(
            row["key"],
            row["id"],
            row["name"],
            machine,
            Payload.parse(row["input"]),
            started=row["started"],
            started_text=timestamp(row["started"]),
            parent=parent,
        )
        execution.announced = self._on_ended is None
        execution.deadline, execution.redrives = row["deadline"], row["redrives"]
        execution.context["RedriveCount"] = execution.redrives
        execution.events = self._journal.events_written(row["key"])
        frames, items = self._journal.frames(row["key"]), self._journal.items(row["key"])
        _restore_frame(execution.root, frames, items)
        return execution

    def _machine_of(self, digest: str) -> Machine:
        machine = self._by_digest.get(digest)
        if machine is None:
            base, _, state = digest.partition("#")
            if state:
                parent = self._machine_of(base)
                machine = self._item_machine(parent, _find_state(parent.scope, state))
            else:
                name, text = self._journal.definition(digest)
                machine = compile_machine(name, Document(json.loads(text), _STORED, {}))
                self._by_digest[digest] = machine
        return machine


def _settle(committed: "Future[None]", error: BaseException | None) -> None:
    if error is None:
        committed.set_result(None)
    else:
        committed.set_exception(error)


def _find_state(scope: Scope, name: str) -> State:
    for state in scope.states.values():
        if state.name == name:
            return state
        for inner in state.branches:
            with contextlib.suppress(LookupError):
                return _find_state(inner, name)
    raise LookupError(name)


def _restore_frame(frame: Frame, frames: dict[str, Any], items: dict[str, list[Any]]) -> None:
    """Fill a frame from its row, then its children, which are the rows one level below its path."""
    frame.restore(frames[frame.path])
    state = frame.state
    if state.type == "Map":
        frame.items = items.get(frame.path)
        frame.remaining = len(frame.items or [])
    if state.distributed or state.type not in ("Parallel", "Map"):
        return
    prefix = f"{frame.path}/"
    for path in frames:
        if path.startswith(prefix) and "/" not in path.removeprefix(prefix):
            index = int(path.removeprefix(prefix))
            scope = state.branches[0 if state.type == "Map" else index]
            frame.children[index] = Frame(frame.execution, path, scope, frame)
            _restore_frame(frame.children[index], frames, items)
    total = len(frame.items or []) if state.type == "Map" else len(state.branches)
    frame.remaining = total - sum(child.phase == phases.DONE for child in frame.children.values())
