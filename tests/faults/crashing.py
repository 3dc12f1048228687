"""Functions that die like a process: at a chosen point all stops, and only what was durable is left."""

import importlib
import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from infra import catalog
from infra.local.functions import Handler

When = Literal["before", "after"]


class Killed(Exception):
    """What calls of a dead process end in; nobody is left to see it."""


class Crash:
    """Wraps every function of a deployment; at the point named it takes an image of the database and dies.

    At the moment of death calls in hand at other threads come to their end (a vendor finishes what it was
    asked, too), none begins, and the call that dies is never heard of again: neither its answer nor anything
    later is in the image, as after kill -9.
    """

    def __init__(self, database: Path, image: Path, offset: Callable[[], timedelta]) -> None:
        self._database, self._image = database, image
        self._offset = offset
        self.died_at: timedelta | None = None  # the clock's offset then: what is dead skips no time any more
        self.point: tuple[str, When] | None = None
        self._changed = threading.Condition()
        self._at_work = 0
        self._dying = False
        self.died = threading.Event()

    def at(self, function: str, when: When) -> None:
        """Die the next time this function (`room/name`) is called, or has done its work."""
        self.point = (function, when)

    def now(self) -> None:
        """Die at once, in the midst of whatever is at work: what that achieves is not in the image."""
        with self._changed:
            self._dying = True
            self._end()

    def handlers(self) -> dict[str, Handler]:
        """The real handlers by `room/name`, made mortal; reading the API kills nobody."""
        return {
            entry.path: self._mortal(entry.path)
            for entry in catalog.FUNCTIONS
            if entry.path != "operations/api"
        }

    def _mortal(self, path: str) -> Callable[[dict[str, Any], Any], Any]:
        real: Handler = importlib.import_module(f"functions.{path.replace('/', '.')}").handler

        def handler(event: dict[str, Any], context: Any) -> Any:
            self._enter()
            try:
                self._die_if(path, "before")
                answer = real(event, context)
                self._die_if(path, "after")
                self._still_alive()
                return answer
            finally:
                self._leave()

        return handler

    def _end(self) -> None:
        self.died_at = self._offset()
        _copy(self._database, self._image)
        self.died.set()

    def _enter(self) -> None:
        with self._changed:
            dying = self._dying
            self._at_work += not dying
        if dying:
            self.died.wait()
            raise Killed

    def _still_alive(self) -> None:
        """An answer is given before the death, its writes then being in the image, or never."""
        with self._changed:
            if self.died.is_set():
                raise Killed

    def _leave(self) -> None:
        with self._changed:
            self._at_work -= 1
            self._changed.notify_all()

    def _die_if(self, path: str, when: When) -> None:
        if self.point != (path, when):
            return
        with self._changed:
            if self._dying:
                return  # another call dies of it: this one was in hand, and comes to its end before
            self._dying = True
            self._changed.wait_for(lambda: self._at_work == 1)
            self._end()
        raise Killed


def _copy(database: Path, image: Path) -> None:
    source, target = sqlite3.connect(database), sqlite3.connect(image)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
