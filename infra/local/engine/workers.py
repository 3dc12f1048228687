"""The threads that carry the engine's work on."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

logger = logging.getLogger(__name__)

Job = tuple[Callable[..., None], tuple[Any, ...]]
_STOP = None


class BusyClock(Protocol):
    """A clock that does not skip time between `begin` and `end`."""

    def begin(self) -> None: ...

    def end(self) -> None: ...


class Workers:
    """A pool without futures: nobody waits for a job, its effect is a commit."""

    def __init__(self, clock: BusyClock) -> None:
        self._clock = clock
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"engine:{n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what was put before, then end the threads."""
        for _ in self._threads:
            self._jobs.put(_STOP)
        for thread in self._threads:
            thread.join()

    def put(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Have a worker do it; business time is not skipped until it is done."""
        self._clock.begin()
        self._jobs.put((function, arguments))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not _STOP:
            function, arguments = job
            try:
                function(*arguments)
            except Exception:  # a bug of ours or of a callback: say so, keep the worker
                logger.exception("a job of the workflow engine failed")
            finally:
                self._clock.end()
