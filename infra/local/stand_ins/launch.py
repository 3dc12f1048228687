"""Starts a stand-in as a process of its own that ends with this one."""

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass
class Loading:
    """A process that loads a stand-in's code and has begun nothing: no file, no port. It waits to be told."""

    name: str
    process: subprocess.Popen[bytes]

    def begin(
        self, *, port: int = 0, data_dir: Path, config: Config | None = None, log: Path | None = None
    ) -> StandInProcess:
        """Start the stand-in; returns at once, before it is ready.

        Args:
            port: 0 takes a free one.
            data_dir: holds its SQLite file; made when missing.
            config: handed over on standard input, as all of this is: no key shows in the process list.
            log: gets its standard error; None shares ours.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        told = {"port": port, "data": str(data_dir), "log": str(log) if log else None}
        line = json.dumps(told | {"config": (config or Config()).as_json()})
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: `wait_ready` says so
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        return StandInProcess(self.name, self.process, log, port)

    def stop(self) -> None:
        """End it, whether it was told to begin or not."""
        StandInProcess(self.name, self.process, None).stop()


def load(name: str) -> Loading:
    """Have a process load the stand-in `name`, ready to begin."""
    command = [sys.executable, "-m", "infra.local.stand_ins.serve", name, "--told"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    return Loading(name, process)


@contextlib.contextmanager
def loading(names: Iterable[str]) -> Iterator[Mapping[str, Loading]]:
    """A process for each stand-in, ready to begin; all of them have ended when the block has."""
    processes = {name: load(name) for name in names}
    try:
        yield processes
    finally:
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(Loading.stop, processes.values()))


def launch(
    name: str, *, port: int = 0, data_dir: Path, config: Config | None = None, log: Path | None = None
) -> StandInProcess:
    """Start the stand-in `name`, as `Loading.begin` says; returns at once, before it is ready."""
    return load(name).begin(port=port, data_dir=data_dir, config=config, log=log)
