"""Import time of every function in a fresh interpreter, beside a bare handler with one boto3 client.

    .venv/bin/python benchmarks/imports.py [--rounds 7]

Each round starts all interpreters once, in turn, so that a busy moment of the machine hits all alike;
the figure is the median of the rounds. Compiled files are warm, as in the layers that are shipped.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from infra.catalog import FUNCTIONS

ROOT = Path(__file__).parents[1]
BARE = "import json\nimport boto3\nclient = boto3.client('dynamodb', region_name='us-east-1')"
MEASURE = (
    "import sys, time; sys.path[:0] = [{root!r}, {layer!r}]\n"
    "began = time.perf_counter()\n{code}\nprint((time.perf_counter() - began) * 1000)"
)
BUDGET = 1.15  # DESIGN.md section 6: intake beside the bare handler


def milliseconds(code: str) -> float:
    """How long the code takes in a fresh interpreter, without the interpreter's own start."""
    program = MEASURE.format(root=str(ROOT), layer=str(ROOT / "layers/usher/python"), code=code)
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return float(answer.stdout.split()[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    rounds = arguments.parse_args().rounds
    codes = {"bare handler": BARE}
    codes |= {entry.path: f"import functions.{entry.room}.{entry.name}" for entry in FUNCTIONS}
    taken: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            taken[name].append(milliseconds(code))
    bare = statistics.median(taken["bare handler"])
    print(f"{'function':40} {'ms':>7} {'x bare':>7}")
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:40} {median:7.1f} {median / bare:7.2f}")
    intake = statistics.median(taken["intake/receive_signup"]) / bare
    print(
        f"\nintake/receive_signup {intake:.2f}x, budget {BUDGET}x: {'met' if intake <= BUDGET else 'NOT met'}"
    )


if __name__ == "__main__":
    main()
