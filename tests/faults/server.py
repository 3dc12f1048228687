"""`usher up` as a process of its own, to be killed as kill -9 does and begun again on the same data."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.local.build import FILE
from infra.local.data_dir import read_dev_env
from infra.local.stand_ins.launch import ROOT
from tests.faults.census import Census
from tests.faults.vendors import Vendors
from tests.faults.world import records

LIMIT = 120.0  # seconds until a test gives up: never how long something takes


class Server:
    """One data directory and the process that serves it, if any."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start at time-scale 1 and wait for the line that says it is ready."""
        command = [sys.executable, "-m", "infra.local.cli", "up", "--port", "0", "--data", str(self.folder)]
        path = os.pathsep.join((str(ROOT), str(ROOT / "layers/usher/python")))
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "ready at" in line:
                return
        raise AssertionError(f"usher up ended with {self._process.wait()}: {''.join(said)}")

    def kill(self) -> None:
        """SIGKILL: nothing gets to say goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait(LIMIT)
        assert process.stdout is not None
        process.stdout.close()

    @property
    def env(self) -> dict[str, str]:
        return read_dev_env(self.folder / "dev.env")

    def at_stage(self, *stages: str) -> int:
        """How many sign-ups are at one of these stages; of the records themselves, whoever runs or not."""
        return counted(self.folder / FILE, stages)

    def wait_for(self, count: int, *stages: str) -> None:
        """Return once so many sign-ups are at these stages."""
        deadline = time.monotonic() + LIMIT
        while (there := self.at_stage(*stages)) < count:
            assert time.monotonic() < deadline, (
                f"only {there} of {count} are {stages}: {self._elsewhere(stages)}"
            )
            time.sleep(0.1)  # looking takes from the time of who is looked at

    def _elsewhere(self, stages: Sequence[str]) -> list[Any]:
        """Where the others stand, and what is left in queues, for the message of a test that gives up."""
        found = records(self.folder / FILE, ("signups", "waits", "failures"))
        others = [row for row in found["signups"] if row["stage"] not in stages]
        where = [(row["signup_id"], row["status"], row["stage"], row.get("steps")) for row in others]
        with contextlib.closing(sqlite3.connect(self.folder / FILE)) as connection:
            sql = "SELECT queue, count(*), max(receives) FROM queue_messages GROUP BY queue"
            queues = connection.execute(sql).fetchall()
            running = "SELECT id, status FROM workflow_executions WHERE status != 'SUCCEEDED'"
            executions = connection.execute(running).fetchall()
        return [*where[:10], *found["failures"][:10], queues, executions[:10]]

    def wait_told(self) -> None:
        """Return once every event is published and every webhook delivered and dealt with."""
        deadline = time.monotonic() + LIMIT
        with self.vendors() as vendors:
            while vendors.owed_webhooks() or self._pending():
                assert time.monotonic() < deadline, f"still pending: {self._pending()}"
                time.sleep(0.05)

    def _pending(self) -> list[Any]:
        found = records(self.folder / FILE, ("outbox", "inbox"))
        return found["outbox"] + [row["event_id"] for row in found["inbox"] if row["state"] == "claimed"]

    def census(self) -> Census:
        with self.vendors() as vendors:
            return Census(vendors.objects(), records(self.folder / FILE))

    @contextlib.contextmanager
    def vendors(self) -> Iterator[Vendors]:
        """A hand on the stand-ins of the process that runs now."""
        names = ("stripe", "hubspot", "postmark", "product", "slack")
        vendors = Vendors({name: self.env[f"{name.upper()}_API_BASE"] for name in names}, [])
        try:
            yield vendors
        finally:
            vendors.close()


def counted(database: Path, stages: Sequence[str]) -> int:
    """How many sign-ups are at one of these stages."""
    marks = ",".join("?" * len(stages))
    with contextlib.closing(sqlite3.connect(database)) as connection:
        sql = f"SELECT count(*) FROM item_signups WHERE item->>'stage' IN ({marks})"
        return int(connection.execute(sql, tuple(stages)).fetchone()[0])
