"""`python -m infra.local.stand_ins.serve NAME --port P --data DIR`: one stand-in as a process or a thread.

The process prints one line, `ready PORT`, when it answers. With `--told` it loads its code, reads the rest
from one line of standard input, and ends when standard input does, that is, with the process that started it.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from infra.local.garbage import collect_rarely
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import listen
from infra.local.stand_ins.stand_in import StandIn
from infra.local.stand_ins.state import State

NAMES = ("stripe", "hubspot", "postmark", "product", "slack")
FLUSH_SECONDS = 1.0


def create(name: str, data_dir: Path | None, config: Config) -> StandIn:
    """The stand-in `name` on its file in `data_dir` (in memory when None), not yet listening.

    The module `infra.local.stand_ins.<name>` has a function `create(state, config, data_dir)`.
    """
    if name not in NAMES:
        raise LookupError(f"no stand-in named {name!r}; there are {', '.join(NAMES)}")
    state = State(data_dir / f"{name}.sqlite" if data_dir else ":memory:")
    stand_in: StandIn = _module(name).create(state, config, data_dir)
    return stand_in


def _module(name: str) -> Any:
    return importlib.import_module(f"infra.local.stand_ins.{name}")


async def serve(stand_in: StandIn, port: int, ready: "Future[int]", stop: asyncio.Event) -> None:
    """Serve until `stop` is set; `ready` gets the port, or the error when it cannot be had."""
    loop = asyncio.get_running_loop()
    try:
        server = await listen(stand_in.answer, port)
    except OSError as error:
        ready.set_exception(error)
        return
    stand_in.started(loop)
    ready.set_result(server.port)
    try:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
            stand_in.state.flush_counts()
    finally:
        await stand_in.stopping()
        await server.close()


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in that runs in a thread of this process."""

    url: str
    stand_in: StandIn


@contextlib.contextmanager
def running(name: str, data_dir: Path | None = None, *, config: Config | None = None) -> Iterator[Running]:
    """Serve the stand-in on a free port in a thread, for tests and benchmarks."""
    stand_in = create(name, data_dir, config or Config())
    ready: Future[int] = Future()
    loop = uvloop.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(serve(stand_in, 0, ready, stop)),
        name=f"stand-in:{name}",
        daemon=True,
    )
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{ready.result(10)}", stand_in)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
        stand_in.state.close()


def _end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends: unlike a death signal this works on every system."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()


async def _main(stand_in: StandIn, port: int, *, follows_parent: bool) -> int:
    ready: Future[int] = Future()
    stop = asyncio.Event()
    if follows_parent:
        _end_with_parent(asyncio.get_running_loop(), stop)
    serving = asyncio.ensure_future(serve(stand_in, port, ready, stop))
    try:
        taken = await asyncio.wrap_future(ready)
    except OSError as error:
        print(f"port {port} cannot be used: {error.strerror}", file=sys.stderr)
        return 2
    print(f"ready {taken}", flush=True)
    await serving
    return 0


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve one vendor stand-in.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path, help="where it remembers; left out, it forgets at its end")
    parser.add_argument("--config", default="{}", help="settings as JSON")
    parser.add_argument(
        "--told",
        action="store_true",
        help="load, then take {port, data, log, config} from one line of standard input, and end with it",
    )
    arguments = parser.parse_args()
    if arguments.told:
        _module(arguments.name)
        line = _first_line()
        if not line:
            return 0  # who started us needs no stand-in after all
        told = json.loads(line)
        _complain_to(told["log"])
        return _serve(arguments.name, told["port"], Path(told["data"]), told["config"], follows_parent=True)
    config = json.loads(arguments.config)
    return _serve(arguments.name, arguments.port, arguments.data, config, follows_parent=False)


def _serve(name: str, port: int, data: Path | None, config: dict[str, Any], *, follows_parent: bool) -> int:
    stand_in = create(name, data, Config(**config))
    collect_rarely()
    try:
        return uvloop.run(_main(stand_in, port, follows_parent=follows_parent))
    except KeyboardInterrupt:
        return 0
    finally:
        stand_in.state.close()


def _complain_to(log: str | None) -> None:
    """Have standard error go to this file."""
    if log is not None:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(file, 2)
        os.close(file)


def _first_line() -> str:
    """One line from file descriptor 0, unbuffered: what follows belongs to `_end_with_parent`."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line.decode()


if __name__ == "__main__":
    sys.exit(main())
