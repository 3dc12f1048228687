"""What an expression sees: the variables in scope and `$states` with its context object."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.engine.descriptions import timestamp
from infra.local.engine.execution import Execution, Frame


def bindings(
    execution: Execution, frame: Frame, extra: Mapping[str, Any] | None, item: tuple[int, Any] | None
) -> dict[str, Any]:
    """Variable name -> value.

    Args:
        extra: `result` or `errorOutput`, where they exist.
        item: index and value of the item that is being selected.

    Source: AWS Step Functions, "Accessing execution data from the Context object".
    """
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
    if item is None and frame.parent is not None:
        item = next((one.item for one in _upwards(frame) if one.item is not None), None)
    if item is not None:
        context["Map"] = {"Item": {"Index": item[0], "Value": item[1]}}
    bound = frame.bindings()
    bound["states"] = {"input": frame.input.value, "context": context, **(extra or {})}
    return bound


def _upwards(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.parent
