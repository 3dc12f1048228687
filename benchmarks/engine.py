"""Executions/s of the local engine beside DBOS on PostgreSQL: `.venv/bin/python -m benchmarks.engine`.

Six steps, each a 5 ms HTTP call to a server in another process, every step durable before the next begins.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import engine_calls, engine_postgres
from infra.local.clock import LocalClock
from infra.local.database import opened
from infra.local.engine import Engine, InvocationContext
from infra.state_machine_file import Document

ROOT = Path(__file__).resolve().parent.parent


class Calls:
    """Integrations whose every function is one vendor call."""

    def __init__(self, port: int) -> None:
        self._port = port

    def invoke(self, function_name: str, payload: Any, context: InvocationContext) -> Any:
        return json.loads(engine_calls.call(self._port, payload["step"]))

    def send_message(self, *_: Any) -> str:
        raise NotImplementedError("the workload sends nothing")

    def put_events(self, _: Any) -> list[str | None]:
        raise NotImplementedError("the workload puts nothing")


def workflow() -> Document:
    """Six Tasks as a workflow of ours writes them: retry, catch, deadline, arguments, a variable each."""
    states: dict[str, Any] = {}
    for step in range(1, engine_calls.STEPS + 1):
        states[f"Step{step}"] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "TimeoutSeconds": 30,
            "Arguments": {
                "FunctionName": f"step_{step}",
                "Payload": {"account_id": "{% $states.context.Execution.Input.account_id %}", "step": step},
            },
            "Retry": [{"ErrorEquals": ["RetryableError", "States.Timeout"], "MaxAttempts": 5}],
            "Catch": [{"ErrorEquals": ["PermanentError"], "Next": "Failed"}],
            "Assign": {f"object_{step}": "{% $states.result.Payload.id %}"},
            "Output": "{% $states.input %}",
            "Next": f"Step{step + 1}" if step < engine_calls.STEPS else "Done",
        }
    states["Done"] = {"Type": "Succeed"}
    states["Failed"] = {"Type": "Fail", "Error": "Failed"}
    document = {"QueryLanguage": "JSONata", "StartAt": "Step1", "States": states}
    return Document(document, Path("six-steps.asl.yaml"), {})


def run_usher(port: int, executions: int, concurrency: int, folder: Path, workers: int) -> list[float]:
    """Seconds each execution took, from the call that starts it to the news of its end."""
    ended: dict[str, threading.Event] = {f"run-{n}": threading.Event() for n in range(executions)}
    took: list[float] = []
    todo = iter(range(executions))
    lock = threading.Lock()

    def on_ended(event: dict[str, Any]) -> None:
        if event["detail"]["status"] != "SUCCEEDED":
            raise RuntimeError(event["detail"])
        ended[event["detail"]["name"]].set()

    folder.mkdir()
    with opened(folder / "engine.db") as database:
        clock = LocalClock()
        engine = Engine(database, clock, Calls(port), workers=workers, on_ended=on_ended)
        engine.register("six-steps", workflow())
        engine.start()

        def client() -> None:
            while True:
                with lock:
                    number = next(todo, None)
                if number is None:
                    return
                started = time.perf_counter()
                engine.start_execution("six-steps", f"run-{number}", {"account_id": f"acc_{number}"})
                ended[f"run-{number}"].wait()
                took.append(time.perf_counter() - started)

        threads = [threading.Thread(target=client) for _ in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        engine.stop()
        clock.close()
    return took


@contextlib.contextmanager
def call_server(folder: Path) -> Iterator[int]:
    """The 5 ms server in its own process; gives its port."""
    port_file = folder / "port"
    process = subprocess.Popen([sys.executable, str(ROOT / "benchmarks/engine_calls.py"), str(port_file)])
    try:
        while not port_file.exists():
            if process.poll() is not None:
                raise RuntimeError("the call server did not start")
            time.sleep(0.01)
        yield int(port_file.read_text())
    finally:
        process.kill()
        process.wait()


def report(name: str, took: list[float], seconds: float) -> float:
    """Print one contestant's line and return its executions per second."""
    rate = len(took) / seconds
    cuts = statistics.quantiles(took, n=100)
    print(f"{name:<22}{rate:8.1f} executions/s   p50 {cuts[49] * 1e3:6.1f} ms   p95 {cuts[94] * 1e3:6.1f} ms")
    return rate


def machine_facts() -> str:
    """Enough to read the figures by: processor, cores, system, Python, and what an fsync costs here."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
        return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def fsync_milliseconds(folder: Path) -> float:
    """What one durable 4 KiB write costs on this disk, at the median."""
    took = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1e3


def dbos_python() -> Path:
    """The interpreter of DBOS's own environment, made from the hash-locked file on first use."""
    requirements = ROOT / "benchmarks/engine-requirements.txt"
    folder = ROOT / "benchmarks/.env"
    python, stamp = folder / "bin/python", folder / "installed"
    if not stamp.exists() or stamp.read_bytes() != requirements.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        (folder / ".gitignore").write_text("*\n")
        install = [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(requirements)]
        subprocess.run(install, check=True)
        stamp.write_bytes(requirements.read_bytes())
    return python


def run_dbos(port: int, executions: int, concurrency: int, folder: Path, programs: Path) -> dict[str, Any]:
    """`took` and `seconds` of the same workload on DBOS."""
    result = folder / "dbos.json"
    with engine_postgres.cluster(folder, programs) as url:
        numbers = [str(port), url, str(executions), str(concurrency)]
        command = [str(dbos_python()), "-m", "benchmarks.engine_dbos", *numbers, str(result)]
        subprocess.run(command, check=True, cwd=ROOT)
    answer: dict[str, Any] = json.loads(result.read_text())
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=5000)
    parser.add_argument("--dbos-executions", type=int, default=600)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--workers", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks", prefix=".run-") as name:
        folder = Path(name)
        print(f"{machine_facts()}; fsync {fsync_milliseconds(folder):.2f} ms")
        print(f"six steps of a 5 ms HTTP call each, {arguments.concurrency} executions in flight")
        with call_server(folder) as port:
            run_usher(port, 200, arguments.concurrency, folder / "warm-up", arguments.workers)
            begun = time.perf_counter()
            took = run_usher(
                port, arguments.executions, arguments.concurrency, folder / "usher", arguments.workers
            )
            ours = report("Usher", took, time.perf_counter() - begun)
            programs = engine_postgres.binaries()
            if programs is None:
                print("DBOS on PostgreSQL: NOT RUN; no initdb here (install postgresql to compare)")
                return
            answer = run_dbos(port, arguments.dbos_executions, arguments.concurrency, folder, programs)
            theirs = report("DBOS on PostgreSQL", answer["took"], answer["seconds"])
            print(f"ratio                 {ours / theirs:8.1f} x")


if __name__ == "__main__":
    main()
