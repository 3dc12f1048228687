"""The executions in memory: those that run."""

import threading

from infra.local.engine.execution import Execution


class Running:
    """By id and by key; safe to use from any thread."""

    def __init__(self, last_key: int) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, Execution] = {}
        self._by_key: dict[int, Execution] = {}
        self._last_key = last_key

    def next_key(self) -> int:
        """A key no execution has had; keys rise with time."""
        with self._lock:
            self._last_key += 1
            return self._last_key

    def find_or_add(self, execution: Execution) -> Execution | None:
        """The execution that runs under this id; when there is none, the given one does from now on."""
        with self._lock:
            known = self._by_id.setdefault(execution.id, execution)
            if known is not execution:
                return known
            self._by_key[execution.key] = execution
        return None

    def add(self, execution: Execution) -> bool:
        """Returns False when its id runs already."""
        return self.find_or_add(execution) is None

    def forget(self, execution: Execution) -> None:
        """It ended, or could not start."""
        with self._lock:
            if self._by_id.get(execution.id) is execution:
                del self._by_id[execution.id]
            if self._by_key.get(execution.key) is execution:
                del self._by_key[execution.key]

    def get(self, id: str) -> Execution | None:
        return self._by_id.get(id)

    def by_key(self, key: int) -> Execution | None:
        return self._by_key.get(key)

    def all(self) -> list[Execution]:
        with self._lock:
            return list(self._by_id.values())
