"""Child executions: those a Task starts, and the items of a distributed Map."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from infra.local.engine import execution as phases
from infra.local.engine.descriptions import description, execution_arn, item_result, sync_output
from infra.local.engine.errors import (
    TASK_FAILED,
    ExecutionAlreadyExists,
    InvalidExecutionInput,
    InvalidName,
    StateError,
    StateMachineDoesNotExist,
    TaskError,
)
from infra.local.engine.execution import Execution, Frame, ParentLink, Payload
from infra.local.engine.orders import Call, ItemStart
from infra.local.engine.restore import parent_link

if TYPE_CHECKING:
    from infra.local.engine.runtime import Runtime
    from infra.local.engine.transition import Transition

_INDEX_BITS = 32  # a link's mark is the run of the parent's state, then the item's index


class Children:
    """Children are named after their place, so that a start made again after a crash finds the first."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    def start(self, call: Call, arguments: dict[str, Any]) -> Payload | None:
        """`states:startExecution`; None when the Task waits for the child's end.

        Raises:
            TaskError: the name is taken, the machine unknown, the input too large.
        """
        runtime, frame = self._runtime, call.frame
        machine = str(arguments["StateMachineArn"]).rpartition(":")[2]
        link = _link(frame, frame.run, 0)
        name = str(arguments.get("Name") or _name(frame, link))
        id = execution_arn(machine, name)
        row = runtime.journal.row(id)
        if row is None or parent_link(row) != link:
            try:
                runtime.lifecycle.start(
                    runtime.machines.named(machine), name, arguments.get("Input", {}), link
                )
            except ExecutionAlreadyExists as error:
                raise TaskError("StepFunctions.ExecutionAlreadyExistsException", str(error)) from error
            except (StateMachineDoesNotExist, InvalidName, InvalidExecutionInput) as error:
                raise TaskError(f"StepFunctions.{type(error).__name__}Exception", str(error)) from error
            row = runtime.journal.row(id)
            if row is None or parent_link(row) != link:
                raise TaskError("StepFunctions.ExecutionAlreadyExistsException", f"{id} is not this task's")
        if frame.phase != phases.CHILD:
            return Payload({"ExecutionArn": id, "StartDate": description(row)["startDate"]})
        if row["status"] != "RUNNING":
            runtime.put(self.ended, link, id)
        return None

    def start_item(self, order: ItemStart) -> None:
        """Run one item; after a crash or a redrive its execution may be there already."""
        runtime, frame = self._runtime, order.frame
        if frame.execution.ended or frame.run != order.run:
            return
        link = _link(frame, order.run, order.index)
        machine = runtime.machines.of_items(frame.execution.machine, frame.state)
        name = _name(frame, link)
        try:
            runtime.lifecycle.start(machine, name, order.input.value, link)
        except ExecutionAlreadyExists:
            row = runtime.journal.row(execution_arn(machine.name, name))
            if row is None:
                raise
            if order.redrive and row["status"] not in ("RUNNING", "SUCCEEDED"):
                runtime.lifecycle.redrive(row)
            elif row["status"] != "RUNNING":
                self.ended(link, row["id"])

    def ended(self, link: ParentLink, id: str) -> None:
        """Tell a child's parent of its end, if it still waits for it."""
        key, path, mark = link
        runtime = self._runtime
        parent = runtime.running.by_key(key)
        if parent is None:
            return
        child = description(runtime.journal.row(id))
        with parent.lock:
            frame = _frame_at(parent, path)
            if parent.ended or frame is None or frame.run != mark >> _INDEX_BITS:
                return
            transition = runtime.transition(parent)
            if frame.phase == phases.CHILD:
                _tell_task(transition, frame, child)
            elif frame.phase == phases.JOIN and mark & 0xFFFFFFFF not in frame.ended_items:
                self._tell_map(transition, frame, mark & 0xFFFFFFFF, child)
            else:
                return
            runtime.commit(transition)

    def _tell_map(self, transition: "Transition", frame: Frame, index: int, child: dict[str, Any]) -> None:
        frame.ended_items.add(index)
        results = self._results(frame) if frame.remaining == 1 else []
        transition.item_ended(frame, child["status"] == "SUCCEEDED", results)

    def _results(self, frame: Frame) -> list[Any]:
        """What the items of this run gave, in their order."""
        rows = self._runtime.journal.children(frame.execution.key, frame.path)
        mine = {row["parent_mark"]: row for row in rows if row["parent_mark"] >> _INDEX_BITS == frame.run}
        return [item_result(description(row)) for _, row in sorted(mine.items())]

    def stop(self, frame: Frame) -> None:
        """Stop the children that a frame does not wait for any more."""
        awaited = frame.run if frame.phase in (phases.CHILD, phases.JOIN) else None
        if frame.execution.ended:
            awaited = None
        for row in self._runtime.journal.children(frame.execution.key, frame.path):
            if row["status"] == "RUNNING" and row["parent_mark"] >> _INDEX_BITS != awaited:
                self._runtime.lifecycle.stop(row["id"], None, "its parent no longer waits for it")


def _tell_task(transition: "Transition", frame: Frame, child: dict[str, Any]) -> None:
    """`.sync:2` gives the child's description, with input and output as data."""
    output = sync_output(child)
    if child["status"] == "SUCCEEDED":
        transition.complete(frame, Payload(output))
    else:
        transition.fail(frame, StateError(TASK_FAILED, json.dumps(output)))


def _link(frame: Frame, run: int, index: int) -> ParentLink:
    return ParentLink((frame.execution.key, frame.path, (run << _INDEX_BITS) + index))


def _name(frame: Frame, link: ParentLink) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{frame.execution.id} {link}"))


def _frame_at(execution: Execution, path: str) -> Frame | None:
    return next((frame for frame in execution.root.walk() if frame.path == path), None)
