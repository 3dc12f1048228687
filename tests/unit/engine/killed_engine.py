"""A process that runs many executions until it is killed; test_durability takes over its data."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.clock import LocalClock
from infra.local.database import Database
from infra.local.engine import Engine
from infra.state_machine_file import Document
from tests.unit.engine.world import Services, task

STEPS = ["first", "second", "third"]


def effect(folder: Path) -> Callable[[Any], Any]:
    """A vendor: it appends a line per call, which stays when we die."""
    lock = threading.Lock()

    def call(payload: Any) -> Any:
        with lock, (folder / "effects").open("a") as file:
            file.write(f"{payload['name']}:{payload['step']}\n")
        return {}

    return call


def document() -> Document:
    states = {}
    for step, following in zip(STEPS, [*STEPS[1:], None], strict=True):
        payload = {"name": "{% $states.context.Execution.Name %}", "step": step}
        states[step] = task(step, payload, **({"Next": following} if following else {}))
    return Document(
        {"QueryLanguage": "JSONata", "StartAt": STEPS[0], "States": states}, Path("killed.asl.yaml"), {}
    )


def wait_for_end(engine: Engine, id: str) -> None:
    """Blocks on the execution's lock while it is in memory, then on the disk."""
    while engine.describe(id)["status"] == "RUNNING":
        execution = engine._runtime.running.get(id)
        if execution is not None:
            with execution.lock:
                pass


def main() -> None:
    folder = Path(sys.argv[1])
    services = Services()
    services.functions = dict.fromkeys(STEPS, effect(folder))
    engine = Engine(Database(folder / "engine.db"), LocalClock(), services, workers=8)
    engine.register("killed", document())
    engine.start()
    for number in range(100_000):
        engine.start_execution("killed", f"run-{number}", {})
        print(f"run-{number}", flush=True)


if __name__ == "__main__":
    main()
