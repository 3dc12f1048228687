"""What a cold start costs: importing each function, and intake ready to serve, beside bare handlers.

    .venv/bin/python -m benchmarks.imports [--rounds 9] [--only intake/]

The figures are CPU milliseconds (user and system) of a fresh interpreter, without its own start. Each
round runs all programs once, in turn, so that a busy moment of the machine hits all alike; the figure is
the median of the rounds. Files are compiled beforehand, as in the layers that are shipped.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import load
from infra import policy_files
from infra.catalog import FUNCTIONS

ROOT = Path(__file__).parents[1]
BUDGET = 1.15  # DESIGN.md section 6: intake's import beside the bare handler
INTAKE = "intake/receive_signup"
BARE, BARE_CLIENTS, READY = "bare handler", "bare handler, intake's 3 clients", f"{INTAKE}, ready to serve"

_PROGRAM = (
    "import resource, sys; sys.path[:0] = {path!r}\n"
    "before = resource.getrusage(resource.RUSAGE_SELF)\n"
    "{code}\n"
    "after = resource.getrusage(resource.RUSAGE_SELF)\n"
    "print((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)"
)
_CLIENT = "boto3.client({!r}, region_name='us-east-1')"


def programs(policies: Path) -> dict[str, str]:
    """What is measured, by the name it is printed under; `policies` holds them as the layer does."""
    bare = "import json\nimport boto3\n"
    clients = ", ".join(_CLIENT.format(name) for name in ("dynamodb", "sqs", "secretsmanager"))
    imports = {entry.path: f"import functions.{entry.room}.{entry.name}" for entry in FUNCTIONS}
    ready = (
        f"{imports[INTAKE]}\nfrom usher.bootstrap import policies\nfrom pathlib import Path\n"
        f"policies.FOLDER = Path({str(policies)!r})\nfunctions.intake.receive_signup.services()"
    )
    return {
        BARE: bare + f"client = {_CLIENT.format('dynamodb')}",
        BARE_CLIENTS: bare + f"clients = [{clients}]",
        READY: ready,
        **imports,
    }


def milliseconds(code: str, compiled: Path) -> float:
    """CPU time of the code in a fresh interpreter that keeps compiled files in the folder `compiled`."""
    program = _PROGRAM.format(path=[str(ROOT), str(ROOT / "layers/usher/python")], code=code)
    command = [sys.executable, "-E", "-X", f"pycache_prefix={compiled}", "-c", program]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(answer.stdout)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--only", default="", help="only functions whose path holds this text")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        policy_files.render(Path(folder))
        chosen = {
            name: code
            for name, code in programs(Path(folder)).items()
            if options.only in name or name in {BARE, BARE_CLIENTS, READY, INTAKE}
        }
        taken: dict[str, list[float]] = {name: [] for name in chosen}
        compiled = Path(folder) / "compiled"
        for code in chosen.values():
            milliseconds(code, compiled)
        with load.Bystanders() as others:
            for _ in range(options.rounds):
                for name, code in chosen.items():
                    taken[name].append(milliseconds(code, compiled))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{load.machine()}; other processes kept {others.cores:.1f} cores busy meanwhile\n")
    print(f"{'':40} {'CPU ms':>7} {'x bare':>7}")
    for name, median in medians.items():
        print(f"{name:40} {median:7.1f} {median / medians[BARE]:7.2f}")
    ratio, one, same = (
        medians[name] / medians[beside]
        for name, beside in ((INTAKE, BARE), (READY, BARE), (READY, BARE_CLIENTS))
    )
    print(f"\nimport of {INTAKE}: {ratio:.2f}x, budget {BUDGET}x: {'met' if ratio <= BUDGET else 'NOT met'}")
    print("imported, policies read and its 3 clients made (on AWS in the first request; no budget):")
    print(f"  {one:.2f}x the bare handler with one client, {same:.2f}x one with the same 3 clients")


if __name__ == "__main__":
    main()
