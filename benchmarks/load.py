"""The load the benchmarks apply: sign-ups of made-up people; and on what, and beside whom, it ran."""

import contextlib
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local import signed_posts
from infra.local.signed_posts import Outcome, Signed, get, post

__all__ = [
    "Bystanders",
    "Outcome",
    "Signed",
    "environment",
    "get",
    "machine",
    "percentile",
    "post",
    "sign",
    "signup",
]


def signup(run: str, number: int, *, plan: str = "pro-monthly") -> dict[str, Any]:
    """The body of one card sign-up, its person unlike any other of the run."""
    return {
        "type": "signup.completed",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {
            "email": f"person-{number}@{run}.example.com",
            "name": f"Person {number}",
            "company": {"name": f"Company {number} {run}", "domain": f"c{number}.example.com", "size": 12},
            "plan": plan,
            "payment_method": "pm_card_visa",
            "referral_source": "benchmark",
        },
    }


def sign(secret: str, run: str, number: int, **fields: Any) -> Signed:
    """A sign-up as a product backend sends it; signing is done before the clock starts."""
    body = json.dumps(signup(run, number, **fields)).encode()
    return signed_posts.sign(secret, body, webhook_id=f"msg_{run}_{number}")


def environment(data: Path) -> dict[str, str]:
    """The lines of DIR/dev.env."""
    lines = (data / "dev.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Bystanders:
    """How many cores other processes kept busy while the block ran: what the figures have to be read with."""

    cores = 0.0

    def __enter__(self) -> "Bystanders":
        self._began = (time.perf_counter(), *_cpu_seconds())
        return self

    def __exit__(self, *_: object) -> None:
        began, all_before, own_before = self._began
        all_after, own_after = _cpu_seconds()
        others = (all_after - all_before) - (own_after - own_before)
        self.cores = max(0.0, others / (time.perf_counter() - began))


def _cpu_seconds() -> tuple[float, float]:
    """CPU seconds so far: of the whole machine, and of this process with the children it waited for."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    total = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return total, sum(os.times()[:4])


def process_seconds(parent: int) -> dict[str, float]:
    """CPU seconds so far of a process and its children, by name."""
    found: dict[str, float] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            if parent in (int(place.name), int(fields[1])):
                words = (place / "cmdline").read_text().split("\0")
                name = "usher" if int(place.name) == parent else words[words.index("-m") + 2]
                found[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def machine() -> str:
    """One line about where the figures were taken."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown CPU",
    )
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{cores} cores, {model}, {datetime.now(UTC):%Y-%m-%d}"
