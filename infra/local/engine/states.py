"""What each simple state type does when it is entered, up to where it has to wait."""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.local.engine import execution as phases
from infra.local.engine.errors import NO_CHOICE_MATCHED, QUERY_EVALUATION, StateError
from infra.local.engine.execution import Frame, limited
from infra.local.engine.fields import LONGEST_TIME, SYNC_SUFFIX
from infra.local.engine.orders import Alarm, Call

if TYPE_CHECKING:
    from infra.local.engine.transition import Transition


def pass_on(t: "Transition", frame: Frame) -> None:
    """Pass and Succeed: nothing but Assign and Output."""
    t.leave(frame, frame.state.leave, None)


def choose(t: "Transition", frame: Frame) -> None:
    """Choice: the first rule whose Condition is true, else Default with the state's own Assign and Output."""
    state = frame.state
    bindings = t.bindings(frame)
    for rule in state.choices:
        assert rule.condition is not None
        answer = rule.condition(bindings)
        if not isinstance(answer, bool):
            raise StateError(
                QUERY_EVALUATION, f"A Condition of '{state.name}' gave {kind_of(answer)}, not a boolean."
            )
        if answer:
            return t.leave(frame, rule, None)
    if state.leave.next is None:
        raise StateError(NO_CHOICE_MATCHED, f"No choice of '{state.name}' matched and it has no Default.")
    return t.leave(frame, state.leave, None)


def wait(t: "Transition", frame: Frame) -> None:
    """Wait: until so many business seconds have passed, or until a moment."""
    state, bindings = frame.state, t.bindings(frame)
    if state.seconds is not None:
        due = t.now + whole_number(state.seconds(bindings), "Seconds", least=0)
    else:
        assert state.timestamp is not None
        due = moment(state.timestamp(bindings))
    frame.attempt += 1
    frame.phase, frame.deadline = phases.WAIT, due
    t.alarms.append(Alarm(frame, frame.attempt, "wake", due))
    t.touch(frame)


def fail(t: "Transition", frame: Frame) -> None:
    """Fail: its Error and Cause are those of the scope."""
    state, bindings = frame.state, t.bindings(frame)
    error = state.error(bindings) if state.error is not None else ""
    cause = state.cause(bindings) if state.cause is not None else ""
    if not isinstance(error, str) or not isinstance(cause, str):
        raise StateError(QUERY_EVALUATION, f"Error and Cause of '{state.name}' must be strings.")
    raise StateError(error, cause)


def task(t: "Transition", frame: Frame) -> None:
    """Task: a new attempt, with a token of its own when it waits for an answer."""
    frame.attempt += 1
    frame.run = frame.attempt
    frame.token = secrets.token_urlsafe(24) if frame.state.token else None
    call(t, frame)


def call(t: "Transition", frame: Frame, *, again: bool = False) -> None:
    """Evaluate the arguments and order the call. `again`: after a crash, with the same token."""
    state, bindings = frame.state, t.bindings(frame)
    value = state.arguments(bindings) if state.arguments is not None else frame.input.value
    arguments = limited(value, f"The arguments of '{state.name}'")
    sync = state.resource.endswith(SYNC_SUFFIX)
    waits = state.token or sync
    timeout = None
    if state.timeout is not None:
        timeout = whole_number(state.timeout(bindings), "TimeoutSeconds")
        if not waits:  # a computing function is timed by the wall, however fast business time runs
            t.alarms.append(Alarm(frame, frame.attempt, "timeout", timeout, wall=True))
    t.calls.append(Call(frame, frame.attempt, arguments))
    if again:
        return
    frame.deadline = frame.heartbeat = None
    if waits and timeout is not None:
        frame.deadline = t.now + timeout
        t.alarms.append(Alarm(frame, frame.attempt, "timeout", frame.deadline))
    if state.heartbeat is not None:
        set_heartbeat(t, frame)
    frame.phase = phases.CHILD if sync else phases.TASK
    if frame.token is not None:
        t.entry.tokens.append(frame.token)
        t.opened_tokens.append(frame)
    limit = f',"timeoutInSeconds":{timeout}' if timeout is not None else ""
    resource = state.quoted_resource
    t.event(frame, "TaskScheduled", f'{{"resource":{resource},"parameters":{arguments.text}{limit}}}')
    t.event(frame, "TaskStarted", f'{{"resource":{resource}}}')
    t.touch(frame)


def set_heartbeat(t: "Transition", frame: Frame) -> None:
    """The next heartbeat is due a full interval from now."""
    assert frame.state.heartbeat is not None
    frame.heartbeat = t.now + whole_number(frame.state.heartbeat(t.bindings(frame)), "HeartbeatSeconds")
    t.alarms.append(Alarm(frame, frame.attempt, "heartbeat", frame.heartbeat))


def alarm_again(t: "Transition", frame: Frame) -> None:
    """After a restart: set the timers of what the frame waits for once more."""
    if frame.phase in (phases.WAIT, phases.RETRY) and frame.deadline is not None:
        t.alarms.append(Alarm(frame, frame.attempt, "wake", frame.deadline))
    elif frame.phase in (phases.TASK, phases.CALLBACK, phases.CHILD):
        if frame.deadline is not None:
            t.alarms.append(Alarm(frame, frame.attempt, "timeout", frame.deadline))
        if frame.heartbeat is not None:
            t.alarms.append(Alarm(frame, frame.attempt, "heartbeat", frame.heartbeat))


def kind_of(value: Any) -> str:
    """The JSON type of a value, for messages; never the value, which may be personal."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def whole_number(value: Any, field: str, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LONGEST_TIME:
        raise StateError(QUERY_EVALUATION, f"{field} is {kind_of(value)} or out of range.")
    return value


def moment(value: Any) -> float:
    """An RFC 3339 timestamp as seconds since 1970; the States Language demands T and a zone."""
    try:
        if not isinstance(value, str) or "T" not in value:
            raise ValueError("no RFC 3339 timestamp")
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError("no time zone")
    except ValueError as error:
        cause = f"Timestamp is {kind_of(value)} that cannot be read: {error}"
        raise StateError(QUERY_EVALUATION, cause) from error
    return parsed.timestamp()
