"""What a transition orders to be done once it is durable."""

from dataclasses import dataclass

from infra.local.engine.execution import Frame, Payload


@dataclass(slots=True)
class Call:
    """Carry out a Task."""

    frame: Frame
    attempt: int
    arguments: Payload


@dataclass(slots=True)
class Alarm:
    """Set a timer: `kind` is timeout, heartbeat or wake; `due` a business moment, or seconds if `wall`."""

    frame: Frame
    attempt: int
    kind: str
    due: float
    wall: bool = False


@dataclass(slots=True)
class ItemStart:
    """Run an item of a distributed Map as an execution of its own; `redrive` it if it failed before."""

    frame: Frame
    run: int
    index: int
    input: Payload
    redrive: bool
