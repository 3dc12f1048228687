"""Writes the layers' lock files anew: `python -m infra.aws.lock_layers`, after requirements/run.txt changed.

Versions come from requirements/run.txt, so that AWS runs what the tests ran; a vendor's layer leaves
out what core holds.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENDOR = ROOT / "layers" / "vendor"
PYTHON = "3.13"  # Lambda's
PLATFORM = "aarch64-manylinux2014"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


class NoInstaller(RuntimeError):
    """uv is not here."""


def uv() -> str:
    """Where uv is: beside this Python, else on the path. Raises NoInstaller."""
    own = Path(sys.executable).with_name("uv")
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise NoInstaller("layers are locked and built with uv: run `pip install uv`")
    return found


def pins(lock: Path) -> dict[str, str]:
    """Package name to version, as a lock file holds them."""
    return dict(_PIN.findall(lock.read_text(encoding="utf-8")))


def lock(layer: str, *, without: set[str]) -> set[str]:
    """Lock one layer and return the names of its packages."""
    folder = VENDOR / layer
    output = folder / "requirements.txt"
    command = [uv(), "pip", "compile", "--quiet", "--upgrade", "--no-header", "--no-annotate"]
    command += ["--generate-hashes", "--only-binary", ":all:"]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORM]
    command += ["--constraint", str(ROOT / "requirements" / "run.txt"), "--output-file", str(output)]
    for package in sorted(without):
        command += ["--no-emit-package", package]
    subprocess.run([*command, str(folder / "requirements.in")], check=True, stdout=subprocess.DEVNULL)
    return set(pins(output))


def main() -> None:
    core = lock("core", without=set())
    for folder in sorted(VENDOR.iterdir()):
        if folder.is_dir() and folder.name != "core":
            lock(folder.name, without=core)


if __name__ == "__main__":
    main()
