"""What `usher up` serves: vendors set up, logs on file, the catalog's builder started and stopped."""

import contextlib
import json
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import urllib3

from infra.local.build import LocalUsher
from infra.local.cli.refusal import Refused
from infra.local.clock import LocalClock
from infra.local.data_dir import VENDORS, DataDir, DataDirRefused, Ports, kept, write_private
from infra.local.garbage import collect_rarely
from infra.local.prepare import prepare
from usher.bootstrap import policies as usher_policies
from usher.bootstrap.observe import logger
from usher.settings import Settings, beta_phase

LOG_BYTES = 64 * 1024 * 1024
LOG_SECONDS = 0.5  # how long a line may wait on its way to the file
_KEEP_OFFSET_SECONDS = 1.0


def build(data: DataDir, ports: Ports, policies: Mapping[str, Any], clock: LocalClock) -> LocalUsher:
    """The deployment in this folder, its functions loaded, not started. Raises DataDirRefused, Refused."""
    usher_policies.install(dict(policies))
    bases = {f"{vendor}_api_base": ports.vendor_url(vendor) for vendor in VENDORS}
    # The stand-in's search sees a mail at once; Postmark's is given longer (settings.py).
    try:
        beta = beta_phase()
    except ValueError as error:
        raise Refused(str(error)) from error
    settings = Settings(
        public_url=ports.url,
        mail_index_lag_seconds=1.0,
        time_scale=clock.scale,
        beta_phase=beta,
        **bases,  # type: ignore[arg-type]  # five texts
    )
    try:
        usher = LocalUsher(data.path, settings, clock=clock, secrets=data.secrets, port=ports.usher)
    except OSError as error:
        raise DataDirRefused(
            f"port {ports.usher} cannot be used: {error.strerror}; choose another with --port"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataDirRefused(
            f"the database in {data.path} cannot be used: {error}; end what holds it, restore it from a copy,"
            " or choose another place with --data"
        ) from error
    usher.functions.load()
    return usher


@contextlib.contextmanager
def serving(
    data: DataDir,
    ports: Ports,
    policies: Mapping[str, Any],
    env: Mapping[str, str],
    *,
    time_scale: float,
    vendors_ready: Callable[[], object],
) -> Iterator[LocalUsher]:
    """A running Usher for the block.

    Args:
        env: the content of dev.env.
        vendors_ready: called when the vendors are needed; returns once they answer.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_logging_to(data.logs / "usher.jsonl"))
        clock = stack.enter_context(_clock(data.path / "clock.json", time_scale, lost=data.recovered))
        usher = build(data, ports, policies, clock)
        vendors_ready()
        _set_clocks(ports, clock, time_scale)
        prepare(policies, env, done=data.path / "prepared", today=clock.now().date())
        collect_rarely()
        stack.callback(usher.stop)
        usher.start()
        yield usher


@contextlib.contextmanager
def _clock(path: Path, scale: float, *, lost: bool) -> Iterator[LocalClock]:
    """The clock of this run. Its offset is kept, so that time goes on where the last run left it."""
    former = kept(path, {"offset": 0.0, "scale": 1.0})
    # What passed after it was kept last is made up for, so that time does not run backwards.
    unkept = 2 * _KEEP_OFFSET_SECONDS * (former["scale"] - 1) if lost else 0.0
    clock = LocalClock(scale=scale, offset=timedelta(seconds=former["offset"] + max(0.0, unkept)))

    def keep() -> None:
        offset = max(0.0, clock.offset().total_seconds())
        write_private(path, json.dumps({"offset": offset, "scale": scale}))

    def keep_on() -> None:
        keep()
        if scale != 1:  # else the offset stays what it is
            clock.call_after_wall(_KEEP_OFFSET_SECONDS, keep_on)

    keep_on()
    try:
        yield clock
    finally:
        clock.close()
        keep()


def _set_clocks(ports: Ports, clock: LocalClock, scale: float) -> None:
    """Make the stand-ins' business time Usher's own."""
    own_time = scale != 1 or clock.offset() > timedelta(seconds=1)
    order = {"now": clock.timestamp(), "scale": scale} if own_time else {"now": None}
    with urllib3.PoolManager(retries=False, timeout=5.0) as http:
        for vendor in VENDORS:
            http.request("POST", f"{ports.vendor_url(vendor)}/_control/clock", json=order)


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send the functions' log lines and the runner's own to a file, as JSON; the terminal stays readable."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".1.jsonl"))
    handler, root, own = logger.registered_handler, logging.getLogger(), logging.getLogger("usher")
    assert isinstance(handler, logging.StreamHandler)  # powertools' own, on standard output
    with path.open("a", encoding="utf-8") as file, _flushed_by_timer(handler, file):
        former = handler.setStream(_Unflushed(file))
        own.propagate = False  # "usher.local", the runner's, is below "usher", the functions'
        root.addHandler(handler)  # what libraries complain about
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.removeHandler(handler)
            own.propagate = True
            handler.setStream(former or sys.stdout)


class _Unflushed:
    """A file that is flushed by a timer: a system call per line is dear where many threads log."""

    def __init__(self, file: TextIO) -> None:
        self.write = file.write

    def flush(self) -> None:
        """Asked for after every line."""


@contextlib.contextmanager
def _flushed_by_timer(handler: logging.Handler, file: TextIO) -> Iterator[None]:
    done = threading.Event()

    def run() -> None:
        while not done.wait(LOG_SECONDS):
            with handler.lock or contextlib.nullcontext():
                file.flush()

    thread = threading.Thread(target=run, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
