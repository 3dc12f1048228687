"""An execution read back from its rows, exactly as its last commit left it."""

from typing import Any

from infra.local.engine import execution as phases
from infra.local.engine.definition import Machine
from infra.local.engine.descriptions import timestamp
from infra.local.engine.execution import Execution, Frame, ParentLink, Payload
from infra.local.engine.journal import Journal


def restored(row: Any, machine: Machine, journal: Journal) -> Execution:
    """The execution of a row of workflow_executions."""
    execution = Execution(
        row["key"],
        row["id"],
        row["name"],
        machine,
        Payload.parse(row["input"]),
        started=row["started"],
        started_text=timestamp(row["started"]),
        parent=parent_link(row),
    )
    execution.deadline, execution.redrives = row["deadline"], row["redrives"]
    execution.context["RedriveCount"] = execution.redrives
    execution.events = journal.events_written(execution.key)
    _fill(execution.root, journal.frames(execution.key), journal.items(execution.key))
    return execution


def parent_link(row: Any) -> ParentLink | None:
    """Who waits for the execution of this row."""
    if row["parent_key"] is None:
        return None
    return ParentLink((row["parent_key"], row["parent_path"], row["parent_mark"]))


def _fill(frame: Frame, frames: dict[str, Any], items: dict[str, list[Any]]) -> None:
    """Fill a frame from its row, then its children, whose rows lie one level below its path."""
    frame.restore(frames[frame.path])
    state = frame.state
    if state.type == "Map":
        frame.items = items.get(frame.path)
    prefix = f"{frame.path}/"
    for path in frames:
        if path.startswith(prefix) and "/" not in path.removeprefix(prefix):
            index = int(path.removeprefix(prefix))
            scope = state.branches[0 if state.type == "Map" else index]
            child = frame.children[index] = Frame(frame.execution, path, scope, frame)
            _fill(child, frames, items)
            if state.type == "Map":
                child.item = (index, (frame.items or [])[index])
    total = len(frame.items or []) if state.type == "Map" else len(state.branches)
    frame.remaining = total - sum(child.phase == phases.DONE for child in frame.children.values())
