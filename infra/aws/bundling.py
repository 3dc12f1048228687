"""How code becomes what Lambda unpacks: copied or installed, then compiled. No Docker.

Plain `cdk synth` writes templates for reading and testing and bundles nothing, so it needs neither a
network nor Python 3.13. `cdk deploy -c bundle=true` does the work; a rule in each template refuses a
deployment without it (ADR 0011).
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.aws.lock_layers import PLATFORM, PYTHON, uv

RUNTIME = lambda_.Runtime.PYTHON_3_13
_SKIP = ["**/__pycache__", "**/*.pyc"]

Build = Callable[[Path], object]


class NoInterpreter(RuntimeError):
    """Nothing here can compile for Lambda's Python."""


def copied(source: Path, below: str) -> Build:
    """A build that puts the Python sources of a folder under `below` in the asset."""

    def build(output: Path) -> None:
        shutil.copytree(source, output / below, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))

    return build


def installed(lock: Path, below: str) -> Build:
    """A build that installs the wheels of a lock file, for Lambda's platform, every hash checked."""

    def build(output: Path) -> None:
        command = [uv(), "pip", "install", "--quiet", "--target", str(output / below), "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
        command += ["--python-version", PYTHON, "--python-platform", PLATFORM]
        subprocess.run(command, check=True, stdout=sys.stderr)

    return build


def compile_all(output: Path) -> None:
    """Leave a .pyc beside each source: without, a cold start compiles for seconds.

    Unchecked, because CDK's zip files carry 1980 as every source's time, which would make a dated .pyc stale.
    """
    command = [_interpreter(), "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(output), str(output)], check=True, stdout=sys.stderr)


def _interpreter() -> str:
    found = subprocess.run([uv(), "python", "find", PYTHON], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise NoInterpreter(
            f"bundling compiles for Lambda and needs Python {PYTHON} on the path, or from "
            f"`uv python install {PYTHON}`; uv found none: {found.stderr.strip()}"
        )
    return found.stdout.strip()


@jsii.implements(ILocalBundling)
class _OnThisMachine:
    def __init__(self, build: Build) -> None:
        self._build = build

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        output = Path(output_dir)
        self._build(output)
        compile_all(output)
        return True


def code(source: Path, build: Build, *, bundle: bool, fingerprint: str | None = None) -> lambda_.AssetCode:
    """The asset of a folder: its hash is that of the sources, so the same sources deploy nothing anew.

    `fingerprint` takes the hash's place where more than the folder decides what is built.
    """
    if not bundle:
        return lambda_.Code.from_asset(str(source), exclude=_SKIP)
    return lambda_.Code.from_asset(
        str(source),
        exclude=_SKIP,
        asset_hash_type=AssetHashType.CUSTOM if fingerprint else AssetHashType.SOURCE,
        asset_hash=fingerprint,
        bundling=BundlingOptions(image=RUNTIME.bundling_image, local=_OnThisMachine(build)),
    )
