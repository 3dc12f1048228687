"""Parallel and Map: branches and items begin, end, fail, and are joined."""

from typing import TYPE_CHECKING, Any

from infra.local.engine import execution as phases
from infra.local.engine.definition import Scope
from infra.local.engine.errors import QUERY_EVALUATION, TOO_MANY_FAILED_ITEMS, StateError
from infra.local.engine.execution import Frame, Payload, limited
from infra.local.engine.orders import ItemStart
from infra.local.engine.states import kind_of, whole_number

if TYPE_CHECKING:
    from infra.local.engine.transition import Transition


def parallel(t: "Transition", frame: Frame) -> None:
    """Parallel: every branch begins with the same input."""
    state = frame.state
    payload = frame.input
    if state.arguments is not None:
        payload = limited(state.arguments(t.bindings(frame)), f"The arguments of '{state.name}'")
    t.drop_children(frame)
    frame.phase, frame.remaining = phases.JOIN, len(state.branches)
    t.event(frame, "ParallelStateStarted", "{}")
    t.touch(frame)
    for index, scope in enumerate(state.branches):
        _begin_child(t, frame, index, scope, payload)


def map_items(t: "Transition", frame: Frame) -> None:
    """Map: as many items begin as MaxConcurrency allows."""
    state, bindings = frame.state, t.bindings(frame)
    items = state.items(bindings) if state.items is not None else frame.input.value
    if not isinstance(items, list):
        raise StateError(QUERY_EVALUATION, f"Items of '{state.name}' is {kind_of(items)}, not an array.")
    if state.batch_size is not None:
        size = whole_number(state.batch_size(bindings), "MaxItemsPerBatch")
        items = [items[start : start + size] for start in range(0, len(items), size)]
    t.drop_children(frame)
    frame.attempt += 1
    frame.run, frame.phase, frame.items = frame.attempt, phases.JOIN, items
    frame.next_item, frame.remaining, frame.failures, frame.ended_items = 0, len(items), 0, set()
    started = "MapRunStarted" if state.distributed else "MapStateStarted"
    t.event(frame, started, f'{{"length":{len(items)}}}')
    t.entry.items.append(f'[{frame.execution.key},"{frame.path}",{Payload(items).text}]')
    t.touch(frame)
    next_items(t, frame)


def next_items(t: "Transition", frame: Frame) -> None:
    """Begin items up to MaxConcurrency; when none is left and none runs, the Map is done."""
    state = frame.state
    assert frame.items is not None
    most = 0
    if state.max_concurrency is not None:
        most = whole_number(state.max_concurrency(t.bindings(frame)), "MaxConcurrency", least=0)
    total = len(frame.items)
    room = (most or total) - (frame.next_item - (total - frame.remaining))
    while room > 0 and frame.next_item < total:
        begin_item(t, frame, frame.next_item)
        frame.next_item += 1
        room -= 1
    t.touch(frame)
    if frame.remaining == 0:
        joined(t, frame, _outputs(frame))


def begin_item(t: "Transition", frame: Frame, index: int, *, redrive: bool = False) -> None:
    """An iteration of its own frame, or for a distributed Map of its own execution."""
    state = frame.state
    assert frame.items is not None
    value = frame.items[index]
    payload = limited(_item_input(t, frame, index, value), f"Item {index} of '{state.name}'")
    if state.distributed:
        t.item_starts.append(ItemStart(frame, frame.run, index, payload, redrive))
        return
    child = _begin_child(t, frame, index, state.branches[0], payload)
    child.item = (index, value)
    t.event(child, "MapIterationStarted", f'{{"name":{state.quoted},"index":{index}}}')


def _item_input(t: "Transition", frame: Frame, index: int, value: Any) -> Any:
    state = frame.state
    batched = state.batch_size is not None
    chosen = value if batched else [value]
    if state.item_selector is not None:
        chosen = [state.item_selector(t.bindings(frame, item=(index, one))) for one in chosen]
    if not batched:
        return chosen[0]
    if state.batch_input is None:
        return {"Items": chosen}
    return {"Items": chosen, "BatchInput": state.batch_input(t.bindings(frame))}


def _begin_child(t: "Transition", frame: Frame, index: int, scope: Scope, payload: Payload) -> Frame:
    child = frame.children[index] = Frame(frame.execution, f"{frame.path}/{index}", scope, frame)
    child.last_event = frame.last_event
    t.todo.append((child, scope.start, payload))
    return child


def child_done(t: "Transition", child: Frame, parent: Frame) -> None:
    """A branch or iteration reached its end; its output waits in its frame."""
    t.touch(child)
    parent.remaining -= 1
    if parent.state.type == "Map":
        t.event(child, "MapIterationSucceeded", _iteration(child, parent))
        t.attempt(parent, lambda: next_items(t, parent))
    elif parent.remaining == 0:
        t.attempt(parent, lambda: joined(t, parent, _outputs(parent)))


def child_failed(t: "Transition", child: Frame, parent: Frame, error: StateError) -> None:
    """A branch or iteration failed, and its parent does with its error: what history says of that."""
    if parent.state.type == "Map":
        t.event(child, "MapIterationFailed", _iteration(child, parent))
    t.event(parent, f"{parent.state.type}StateFailed", Payload(error.output()).text)


def item_ended(t: "Transition", frame: Frame, results: list[Any]) -> None:
    """An item of a distributed Map ended, and `remaining` and `failures` say so."""
    state, bindings = frame.state, t.bindings(frame)
    assert frame.items is not None
    if frame.failures:
        count = state.tolerated_count(bindings) if state.tolerated_count is not None else 0
        share = state.tolerated_percentage(bindings) if state.tolerated_percentage is not None else 0
        most = max(
            whole_number(count, "ToleratedFailureCount", least=0),
            len(frame.items) * whole_number(share, "ToleratedFailurePercentage", least=0) / 100,
        )
        if frame.failures > most:
            t.event(frame, "MapRunFailed", "{}")
            cause = f"{frame.failures} of {len(frame.items)} items failed."
            raise StateError(TOO_MANY_FAILED_ITEMS, cause)
    if frame.remaining > 0:
        return next_items(t, frame)
    t.event(frame, "MapRunSucceeded", "{}")
    return joined(t, frame, results)


def joined(t: "Transition", frame: Frame, results: list[Any]) -> None:
    """All branches or items are done: their outputs, in order, are the state's result."""
    frame.phase = ""
    result = limited(results, f"The result of '{frame.state.name}'")
    t.event(frame, f"{frame.state.type}StateSucceeded", "{}")
    t.leave(frame, frame.state.leave, result)
    t.drop_children(frame)


def redrive(t: "Transition", frame: Frame) -> None:
    """Begin every unsuccessful state below `frame` anew; what is done keeps its output."""
    if frame.phase == phases.DONE:
        return
    frame.retries, frame.retry_count = {}, 0
    started = frame.children or (frame.state.distributed and frame.items)
    if not started:
        t.attempt(frame, lambda: t.begin(frame))
    elif frame.state.distributed:
        t.attempt(frame, lambda: _redrive_items(t, frame))
    else:
        _redrive_children(t, frame)


def _redrive_items(t: "Transition", frame: Frame) -> None:
    assert frame.items is not None
    frame.phase, frame.remaining, frame.failures, frame.ended_items = phases.JOIN, len(frame.items), 0, set()
    t.touch(frame)
    for index in range(frame.next_item):
        begin_item(t, frame, index, redrive=True)


def _redrive_children(t: "Transition", frame: Frame) -> None:
    total = len(frame.items or []) if frame.state.type == "Map" else len(frame.state.branches)
    children = [child for _, child in sorted(frame.children.items())]
    frame.phase = phases.JOIN
    frame.remaining = total - sum(child.phase == phases.DONE for child in children)
    t.touch(frame)
    for child in children:
        redrive(t, child)
    if frame.phase != phases.JOIN:
        return
    if frame.state.type == "Map":
        t.attempt(frame, lambda: next_items(t, frame))
    elif frame.remaining == 0:
        t.attempt(frame, lambda: joined(t, frame, _outputs(frame)))


def _outputs(frame: Frame) -> list[Any]:
    """The outputs of a frame's branches or iterations, in their order."""
    outputs = (child.output for _, child in sorted(frame.children.items()))
    return [output.value for output in outputs if output is not None]


def _iteration(child: Frame, parent: Frame) -> str:
    return f'{{"name":{parent.state.quoted},"index":{child.path.rpartition("/")[2]}}}'
