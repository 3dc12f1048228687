"""`usher up`: takes the data directory, starts the stand-ins and Usher, shows the samples, serves."""

import contextlib
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from rich.console import Console

from infra import policy_files, state_machine_file
from infra.local.cli import view
from infra.local.cli.refusal import Refused
from infra.local.data_dir import VENDORS, DataDir, DataDirRefused, Ports, opened
from infra.local.documents import documents
from infra.local.engine.definition import compile_machine
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.launch import ROOT, Loading, StandInFailed, StandInProcess
from usher.domain.errors import UsherError
from usher.domain.stripe_events import FOLLOWED

_LOOK_SECONDS = 1.0  # how often to see whether the stand-ins still run


def run(
    *,
    port: int | None,
    data: Path,
    time_scale: float,
    samples: bool,
    once: bool,
    vendors: Mapping[str, Loading],
    began: float,
) -> int:
    """Serve until Ctrl-C or SIGTERM; returns the exit code. Raises Refused when Usher cannot start.

    Args:
        vendors: the stand-ins, which begin once our own files are known to be good.
        began: `time.monotonic` when the command was typed, near enough.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    os.umask(0o077)  # keys and people's data: for nobody else on this machine
    console = view.console()
    served = False
    try:
        with _refusing(), contextlib.ExitStack() as stack:
            policies = _checked_files()
            here = stack.enter_context(opened(data))
            ports = here.choose_ports(port)
            keys = here.provide_keys()
            here.write_dev_env(ports, keys)
            env = keys | {f"{vendor.upper()}_API_BASE": ports.vendor_url(vendor) for vendor in VENDORS}
            begun = stack.enter_context(_stand_ins(vendors, here, ports, keys))
            # Loaded while the stand-ins start, and not before, because it takes about as long as they do.
            serving = importlib.import_module("infra.local.cli.serving").serving
            stack.enter_context(
                serving(
                    here,
                    ports,
                    policies,
                    env,
                    time_scale=time_scale,
                    vendors_ready=lambda: [each.wait_ready() for each in begun],
                )
            )
            console.print(f"Usher is ready at {ports.url}  [dim]({time.monotonic() - began:.1f} s)[/dim]")
            sys.stdout.flush()
            served = True
            good = True
            if samples:
                show = importlib.import_module("infra.local.cli.samples").show
                good = show(console, data)
            if once:
                return 0 if good else 1
            if not samples:
                console.print(f"Addresses and keys: {here.dev_env}. Stop with Ctrl-C.")
            _serve(begun, console)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return 0 if served and not once else 130
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _checked_files() -> Mapping[str, object]:
    """The policies, once they and the workflow files are known to be good."""
    for name, document in documents().items():
        compile_machine(name, document)
    return policy_files.load_all()


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn what a person can put right into one line for them."""
    try:
        yield
    except (DataDirRefused, policy_files.PolicyFileError, StandInFailed) as error:
        raise Refused(str(error)) from error
    except UsherError as error:
        raise Refused(f"a vendor could not be set up: {error}") from error
    except state_machine_file.StateMachineFileError as error:
        raise Refused(str(error).removeprefix(f"{ROOT}/")) from error


@contextlib.contextmanager
def _stand_ins(
    vendors: Mapping[str, Loading], data: DataDir, ports: Ports, keys: Mapping[str, str]
) -> Iterator[list[StandInProcess]]:
    """The five vendors as processes that end with this one; they get ready while others work."""
    running: list[StandInProcess] = []
    try:
        for vendor, process in vendors.items():
            config = Config(api_key=keys[f"{vendor.upper()}_API_KEY"])
            if vendor == "stripe":
                config = Config(
                    api_key=config.api_key,
                    webhook_url=f"{ports.url}/webhooks/stripe",
                    webhook_secret=keys["USHER_STRIPE_WEBHOOK_SECRET"],
                    options={"enabled_events": FOLLOWED},
                )
            log = data.logs / f"{vendor}.log"
            running.append(
                process.begin(port=ports.vendors[vendor], data_dir=data.stand_ins, config=config, log=log)
            )
        yield running
    finally:
        with ThreadPoolExecutor(len(VENDORS)) as pool:
            list(pool.map(StandInProcess.stop, running))


def _serve(vendors: list[StandInProcess], console: Console) -> None:
    """Wait for a signal; tell of a stand-in that ended by itself."""
    never, gone = threading.Event(), set[str]()
    while not never.wait(_LOOK_SECONDS):
        for vendor in vendors:
            if vendor.name not in gone and vendor.process.poll() is not None:
                gone.add(vendor.name)
                console.print(
                    f"The {vendor.name} stand-in has ended; see {vendor.log}. A restart brings it back."
                )
