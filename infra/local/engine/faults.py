"""What becomes of a state that failed: it is retried, caught, or its scope fails with it."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.local.engine import execution as phases
from infra.local.engine import joins
from infra.local.engine.definition import Retrier, Rule
from infra.local.engine.errors import (
    ALL,
    DATA_LIMIT,
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
    StateError,
)
from infra.local.engine.execution import Frame, Payload, limited
from infra.local.engine.orders import Alarm

if TYPE_CHECKING:
    from infra.local.engine.transition import Transition

_MAX_ERROR, _MAX_CAUSE = 256, 32_768  # characters, AWS API reference


def handle(t: "Transition", frame: Frame, error: StateError) -> None:
    """A state failed: retry it, catch it, or let its scope fail. Retriers count for themselves."""
    state = frame.state
    error = StateError(error.error[:_MAX_ERROR], error.cause[:_MAX_CAUSE])
    t.abort_below(frame)
    t.close(frame)
    position = retrier_for(state.retriers, error.error)
    if position is not None and frame.retries.get(position, 0) < state.retriers[position].attempts:
        used = frame.retries.get(position, 0)
        frame.retries[position] = used + 1
        frame.retry_count += 1
        frame.phase = phases.RETRY
        frame.deadline = t.now + delay(state.retriers[position], used)
        t.drop_children(frame)
        t.alarms.append(Alarm(frame, frame.attempt, "wake", frame.deadline))
        return t.touch(frame)
    catcher = catcher_for(state.catchers, error.error)
    if catcher is None:
        return _scope_failed(t, frame, error)
    output = limited(error.output(), "The error output")
    try:
        _leave_by_catcher(t, frame, catcher, output)
    except StateError as second:  # nothing catches a failing catcher
        return _scope_failed(t, frame, second)
    return t.drop_children(frame)


def _leave_by_catcher(t: "Transition", frame: Frame, catcher: Rule, output: Payload) -> None:
    """The error output is the state's output unless the catcher says otherwise."""
    value = output
    if catcher.output is not None:
        what = f"The output of the state '{frame.state.name}'"
        value = limited(catcher.output(t.bindings(frame, {"errorOutput": output.value})), what)
    rule = Rule(catcher.next, catcher.assign, lambda _: value)
    t.leave(frame, rule, None, errorOutput=output.value)


def _scope_failed(t: "Transition", frame: Frame, error: StateError) -> None:
    """The error goes on to the state around; that aborts the siblings when it is handled there."""
    frame.phase = phases.FAILED
    t.touch(frame)
    if frame.parent is None:
        return t.end("FAILED", None, error.error, error.cause)
    joins.child_failed(t, frame, frame.parent, error)
    return handle(t, frame.parent, error)


def matches(errors: frozenset[str], error: str) -> bool:
    """Whether `ErrorEquals` names this error, by itself or by a wildcard.

    Source: AWS Step Functions, "Handling errors": States.Runtime is never retried or caught;
    States.DataLimitExceeded only by its own name; States.TaskFailed matches all but timeouts; a heartbeat
    that stays out is also reported under States.Timeout.
    """
    if error == RUNTIME:
        return False
    if error in errors:
        return True
    if error == DATA_LIMIT:
        return False
    if ALL in errors:
        return True
    if error in (TIMEOUT, HEARTBEAT_TIMEOUT):
        return TIMEOUT in errors
    return TASK_FAILED in errors


def retrier_for(retriers: Sequence[Retrier], error: str) -> int | None:
    """Position of the first retrier that names the error; a later one is not asked when it is used up."""
    return next((i for i, retrier in enumerate(retriers) if matches(retrier.errors, error)), None)


def catcher_for(catchers: Sequence[Rule], error: str) -> Rule | None:
    return next((catcher for catcher in catchers if matches(catcher.errors, error)), None)


def delay(retrier: Retrier, retries: int) -> float:
    """Seconds before the next attempt, after `retries` earlier ones by this retrier.

    Full jitter draws from nothing up to the delay (States Language, "Retrying after error").
    """
    seconds = min(retrier.interval * retrier.backoff**retries, retrier.max_delay or 99_999_999)
    return random.uniform(0, seconds) if retrier.jitter else seconds
