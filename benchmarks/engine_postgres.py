"""A throw-away PostgreSQL cluster made of the system's binaries, as durable as it comes out of the box."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def binaries() -> Path | None:
    """The folder of initdb and postgres, or None where there is no PostgreSQL."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: then some ordinary user must do."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", "daemon") if name in known)


@contextlib.contextmanager
def cluster(folder: Path, programs: Path) -> Iterator[str]:
    """A running server whose data lies in `folder`; gives the URL of an empty database."""
    data, owner = folder / "postgres", _owner()
    data.mkdir()
    if owner is not None:
        shutil.chown(data, owner)
        folder.chmod(0o711)
    quiet: dict[str, Any] = {
        "user": owner,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": data,
    }
    subprocess.run(
        [programs / "initdb", "-D", data / "cluster", "-U", "usher", "-A", "trust", "-E", "UTF8"],
        check=True,
        **quiet,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    server = subprocess.Popen([programs / "postgres", "-D", data / "cluster", *options], **quiet)
    try:
        _await(port, server)
        yield f"postgresql://usher@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()


def _await(port: int, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")
