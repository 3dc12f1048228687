"""Starts a stand-in as a process of its own that ends with this one."""

import json
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.local.stand_ins.config import Config

ROOT = Path(__file__).resolve().parents[3]


class StandInFailed(Exception):
    """The process ended or stayed silent instead of getting ready."""


@dataclass
class StandInProcess:
    """A running stand-in; `url` and `port` are known once `wait_ready` has returned."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    port: int = 0
    _ready: bool = field(default=False, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self, timeout: float = 10.0) -> "StandInProcess":
        """Return self once it answers; raises StandInFailed after `timeout` seconds or at its early end."""
        if self._ready:
            return self
        stdout = self.process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], timeout)
        line = stdout.readline().decode() if readable else ""
        if not line.startswith("ready "):
            self.stop()
            where = f"; see {self.log}" if self.log else ""
            raise StandInFailed(f"the {self.name} stand-in did not start on port {self.port}{where}")
        self.port, self._ready = int(line.split()[1]), True
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """End it: by closing its standard input, and by force when it does not follow."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self.process.kill()
        self.stop()


def launch(
    name: str, *, port: int = 0, data_dir: Path, config: Config | None = None, log: Path | None = None
) -> StandInProcess:
    """Start the stand-in `name`; returns at once, before it is ready.

    Args:
        port: 0 takes a free one.
        data_dir: holds its SQLite file; made when missing.
        config: handed over on standard input, so that no key shows in the process list.
        log: gets its standard error; None shares ours.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "infra.local.stand_ins.serve", name, "--port", str(port)]
    command += ["--data", str(data_dir), "--config", "-"]
    errors: IO[bytes] | None = log.open("ab") if log else None
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    finally:
        if errors:
            errors.close()
    assert process.stdin is not None
    process.stdin.write(json.dumps((config or Config()).as_json()).encode() + b"\n")
    process.stdin.flush()
    return StandInProcess(name, process, log, port)
