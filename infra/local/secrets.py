"""The secrets port on one machine: a JSON file that only its owner may read."""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from usher.domain.errors import NotFound

KEEP_SECONDS = 0.5  # how long another process's rotation may go unnoticed; the former value is valid longer


class FileSecrets:
    """Implements usher.ports.secrets.Secrets on `path` (mode 0600), which another process may rotate.

    The file maps a name to its active values, the current one first. It is looked at every half second: a
    system call for each request lets go of the interpreter's lock, and getting that back is what costs.

    Args:
        ticks: seconds that only grow, to know when the file was last looked at.
    """

    def __init__(self, path: Path, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._ticks = ticks
        self._look_at = 0.0  # in ticks: until then `_values` is taken as it is
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None  # modification time and inode of what is in `_values`
        self._values: dict[str, list[str]] = {}

    def __repr__(self) -> str:
        return f"FileSecrets({str(self._path)!r})"

    def get(self, name: str) -> str:
        return self.active(name)[0]

    def active(self, name: str) -> tuple[str, ...]:
        with self._lock:
            now = self._ticks()
            if now >= self._look_at:
                self._read()
                self._look_at = now + KEEP_SECONDS
            values = self._values.get(name)
        if not values:
            raise NotFound(f"the secret {name} is not in {self._path.name}")
        return tuple(values)

    def provide(self, values: Mapping[str, str]) -> None:
        """Store these values for names that have none yet; others stay as they are."""
        with self._lock:
            known = self._read()
            missing = {name: [value] for name, value in values.items() if name not in known}
            if missing:
                self._write({**known, **missing})

    def rotate(self, name: str, value: str) -> None:
        """Make `value` current; what was current stays valid until the next rotation. Durable on return."""
        with self._lock:
            known = self._read()
            self._write({**known, name: [value, *known.get(name, [])[:1]]})

    def _read(self) -> dict[str, list[str]]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._values, self._seen = {}, None
            return self._values
        if (seen := (status.st_mtime_ns, status.st_ino)) != self._seen:
            self._values = json.loads(self._path.read_text())
            self._seen = seen
        return self._values

    def _write(self, values: dict[str, list[str]]) -> None:
        # mkstemp creates with mode 0600; replacing in one step means that no reader sees half a file.
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".secrets-")
        with os.fdopen(descriptor, "w") as file:
            json.dump(values, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)
        self._look_at = 0.0
