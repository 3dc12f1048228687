"""A runtime on a manual clock: real threads and a real database, and a wait for all that is at work."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra import catalog
from infra.local.activity import Activity
from infra.local.database import Database
from infra.local.functions import Functions
from infra.local.manual_clock import ManualClock


class Runtime:
    """Clock, database and threads; `reopen` is what a new process finds after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path / "usher.db"
        self.manual = ManualClock()
        self.clock = Activity(self.manual)
        self.pool = ThreadPoolExecutor(8)
        self.database = Database(self.path, synchronous="OFF")

    def functions(self, *entries: catalog.Function, **handlers: Callable[[Any, Any], Any]) -> Functions:
        """Functions of the room `room`: the entries given, or plain ones named after the handlers."""
        named = entries or tuple(catalog.Function("room", name, timeout_seconds=30) for name in handlers)
        return Functions(named, handlers={f"room/{name}": handler for name, handler in handlers.items()})

    def settle(self) -> None:
        """Return when nothing is at work."""
        while not self.clock.holds(lambda: True):
            self.clock.wait(1.0)

    def advance(self, seconds: float) -> None:
        """Let business time pass, and everything happen that falls due."""
        self.settle()
        self.manual.advance(seconds)
        self.settle()

    def reopen(self) -> None:
        self.database.close()
        self.database = Database(self.path, synchronous="OFF")

    def close(self) -> None:
        self.pool.shutdown()
        self.database.close()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path)
    yield runtime
    runtime.close()
