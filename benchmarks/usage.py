"""Metered usage on one machine: `usher up` takes records in, buffers, counts and sums them, all durable.

    .venv/bin/python -m benchmarks.usage [--records 1000000] [--accounts 50] [--connections 4]

A product posts a thousand records a call for a few dozen accounts, as fast as they are counted: it pauses
while more than LAG of what was accepted is not in the sums yet. Counted is what GET /v1/accounts/{id}/usage
says, so the rate is that of the whole way: HTTP, handler, queue, store. In the end the sums must be what was
sent. Beside it in the same run: one record a call, and bare inserts into SQLite, each durable. Exits with 1
when a budget is not met.
"""

import argparse
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import load

ROOT = Path(__file__).parents[1]
RATE_BUDGET = 5000.0  # records a second, accepted and counted
GROWTH_BUDGET = 0.15  # of the server's memory, from a tenth of the records on
PER_CALL = 1000
LAG = 40_000  # records that may be accepted and not counted yet
SINGLE_CALLS, SINGLE_INSERTS = 1000, 2000


@dataclass
class Product:
    """Posts records from several connections until all are accepted."""

    env: dict[str, str]
    accounts: list[str]
    records: int
    per_call: int
    run: str
    accepted: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self.go.set()

    def post_all(self, connections: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._post, daemon=True) for _ in range(connections)]
        for thread in threads:
            thread.start()
        return threads

    def _take(self) -> range:
        with self._lock:
            start = self._next
            self._next = min(start + self.per_call, self.records)
            return range(start, self._next)

    def _post(self) -> None:
        place = urlsplit(self.env["USHER_URL"])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        headers = {
            "authorization": f"Bearer {self.env['USHER_PRODUCT_TOKEN']}",
            "content-type": "application/json",
        }
        while numbers := self._take():
            self.go.wait()
            body, began = self._body(numbers), time.perf_counter()
            connection.request("POST", "/v1/usage", body, headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            with self._lock:
                self.seconds.append(time.perf_counter() - began)
                self.accepted += said.get("accepted", 0)
                if answer.status != 202:
                    self.errors.append(f"{answer.status} {said}")
        connection.close()

    def _body(self, numbers: range) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        count = len(self.accounts)
        records = (
            f'{{"id":"{self.run}-{number:012d}","account_id":"{self.accounts[number % count]}",'
            f'"metric":"api_calls","quantity":1,"recorded_at":"{now}"}}'
            for number in numbers
        )
        return f'{{"records":[{",".join(records)}]}}'.encode()


def counted(env: dict[str, str], accounts: list[str]) -> int:
    """What all accounts have used, as the API tells it."""
    token, total = env["USHER_PRODUCT_TOKEN"], 0
    for account in accounts:
        shown = load.get(env["USHER_URL"], f"/v1/accounts/{account}/usage", token)
        total += sum(period["quantity"] for each in shown["metrics"] for period in each["periods"])
    return total


def resident(pid: int) -> int:
    """Megabytes of memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """What a process has used of a core so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def signed_up(env: dict[str, str], count: int) -> list[str]:
    """The ids of so many active accounts."""
    requests = [load.sign(env["USHER_SIGNUP_SECRET"], "usage", number) for number in range(count)]
    posted = load.post(env["USHER_URL"], requests, connections=4)
    found = []
    for answer in posted.accepted:
        while True:
            status = load.get(
                env["USHER_URL"], f"/v1/signups/{answer['signup_id']}", env["USHER_PRODUCT_TOKEN"]
            )
            if status["stage"] == "welcomed":
                break
            time.sleep(0.1)
        found.append(str(status["account_id"]))
    return found


def sustained(env: dict[str, str], pid: int, product: Product, connections: int) -> tuple[float, bool]:
    """Post, pause while too much is not counted; returns records a second, and whether budgets are met."""
    accounts, records = product.accounts, product.records
    memory: list[tuple[int, int]] = []
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    product.post_all(connections)
    done = 0
    while done < records:
        time.sleep(0.25)
        # All accounts use alike, so one of them tells how far it is; the last thousands are asked of all.
        done = counted(env, accounts[:1]) * len(accounts)
        if done >= records - 2 * PER_CALL:
            done = counted(env, accounts)
        (product.go.clear if product.accepted - done > LAG else product.go.set)()
        if done >= (len(memory) + 1) * records / 10:
            memory.append((done, resident(pid)))
        if product.errors:
            raise SystemExit(f"{len(product.errors)} calls failed: {product.errors[0]}")
    took, busy = time.perf_counter() - began, cpu_seconds(pid) - cpu
    rate, growth = records / took, max(megabytes for _, megabytes in memory) / memory[0][1] - 1
    p50, p99 = (load.percentile(product.seconds, share) * 1000 for share in (0.5, 0.99))
    print(f"{records} records of {len(accounts)} accounts, {PER_CALL} a call, {connections} connections")
    print(f"  accepted and counted in {took:.0f} s: {rate:.0f}/s (budget {RATE_BUDGET:.0f})")
    print(f"  Usher had {busy / took:.2f} of a core: {busy / records * 1e6:.0f} microseconds of CPU a record")
    print(f"  a call: p50 {p50:.0f} ms, p99 {p99:.0f} ms; sums as sent: {done == records}")
    told = ", ".join(f"{megabytes} MB at {at}" for at, megabytes in memory)
    print(f"  memory: {told}; growth {growth:.0%} (budget {GROWTH_BUDGET:.0%})")
    return rate, done == records and rate >= RATE_BUDGET and growth <= GROWTH_BUDGET


def one_by_one(env: dict[str, str], accounts: list[str]) -> float:
    """Records a second when each is a call of its own, accepted alone."""
    product = Product(env, accounts, SINGLE_CALLS, 1, "single")
    began = time.perf_counter()
    for thread in product.post_all(8):
        thread.join()
    if product.errors:
        raise SystemExit(f"calls failed: {product.errors[0]}")
    return SINGLE_CALLS / (time.perf_counter() - began)


def bare_inserts(folder: Path) -> float:
    """Rows a second that a loop puts into a SQLite file, each in its own durable transaction."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE records (id TEXT PRIMARY KEY, account TEXT, quantity INTEGER, at TEXT)")
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    began = time.perf_counter()
    for number in range(SINGLE_INSERTS):
        connection.execute("INSERT INTO records VALUES (?, ?, 1, ?)", (f"r{number}", "acc_1", at))
    took = time.perf_counter() - began
    connection.close()
    return SINGLE_INSERTS / took


@contextmanager
def usher_up(folder: Path) -> Iterator[tuple[dict[str, str], int]]:
    """The environment and process id of a deployment of its own."""
    command = [sys.executable, "-m", "infra.local.cli", "up", "--port", "0", "--data", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "ready" in line.lower():
                break
        yield load.environment(folder), process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--accounts", type=int, default=50)
    arguments.add_argument("--connections", type=int, default=4)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, usher_up(Path(name)) as (env, pid):
        print(load.machine())
        accounts = signed_up(env, options.accounts)
        product = Product(env, accounts, options.records, PER_CALL, "many")
        rate, met = sustained(env, pid, product, options.connections)
        single, bare = one_by_one(env, accounts), bare_inserts(Path(name))
        print(f"one record a call: {single:.0f}/s; a thousand a call is {rate / single:.1f} x as fast")
        print(f"a loop of bare durable inserts: {bare:.0f}/s; the whole way is {rate / bare:.1f} x as fast")
    print("budgets met" if met else "budgets NOT met")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
