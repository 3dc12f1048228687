"""Entitlements: how long the handler takes to say what an account may do, from what is kept and without it.

    .venv/bin/python -m benchmarks.entitlements [--accounts 2000] [--count 5000]

The operator API's handler on the local platform (SQLite with `synchronous=FULL`), called with API Gateway's
events, one after the other.

records      the account, its subscriptions and its usage are read each time: nothing is kept
kept         one read by key
remembered   by this process, for the seconds that policies/entitlements.yaml says
first        nothing is kept of the account yet: read from the records, and kept
mixed        half of the questions are about twenty accounts; before one in a hundred an event tells of a
             change

`reads` of the store are what a question costs where the store is a network away. `p99 CPU` is what was
worked; the rest of p99 was waited for: the disk, or a core that others had.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from functions.operations import forget_entitlements
from functions.operations.api import handler
from functions.operations.routes import accounts as route
from infra import catalog, policy_files
from infra.local.database import opened
from infra.local.manual_clock import ManualClock
from infra.local.platform import LocalPlatform
from infra.local.queues import LocalQueue
from infra.local.secrets import FileSecrets
from infra.local.sqlite_store import SqliteStore
from usher import settings as usher_settings
from usher.bootstrap import platform as usher_platform
from usher.bootstrap import policies as usher_policies
from usher.bootstrap.entitlements import services
from usher.domain import times
from usher.ports.store import Put
from usher.records.entitlements import Standing, Standings
from usher.settings import Settings
from usher.usecases.remembered_standings import Remembered

P99 = 5.0  # ms, at the handler
APART = 0.02  # business seconds between two questions: a process is asked fifty times a second


class Counted:
    """A store that counts what is asked of it."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("get", "get_all", "query"):
            self.reads += 1
        return getattr(self._store, name)


class FromRecords(Standings):
    """Keeps nothing."""

    def of(self, account_id: str, *, metrics: tuple[str, ...], **options: Any) -> Standing | None:
        return self.read(account_id, now=options["now"], metrics=metrics)


@contextmanager
def platform(accounts: int) -> Iterator[LocalPlatform]:
    """A local platform with this many customers, each with a subscription and some usage, installed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        database = stack.enter_context(opened(folder / "usher.db", synchronous="FULL"))
        clock = ManualClock()
        unused = cast(Any, None)
        store = cast(Any, Counted(SqliteStore(database, catalog.TABLES, clock)))
        queue = LocalQueue(database, catalog.QUEUES, clock)
        own = FileSecrets(folder / "secrets.json")
        here = LocalPlatform(store, queue, unused, unused, unused, unused, own, clock)
        usher_policies.install(policy_files.load_all())
        usher_settings.install(Settings(public_url="http://127.0.0.1:8080"))
        usher_platform.install(here)
        stack.callback(usher_platform.install, None)
        now = times.text(clock.now())
        for number in range(accounts):
            for put in _customer(f"acc_{number}", now, times.text(clock.now() + timedelta(days=30))):
                store.write(put)
        yield here


def _customer(id: str, now: str, ends_at: str) -> Iterator[Put]:
    account = {
        "account_id": id,
        "org_name": "Org",
        "status": "active",
        "plan": "pro-monthly",
        "created_at": now,
    }
    yield Put("accounts", account | {"signup_id": f"su_{id}", "correlation_id": f"cor_{id}", "version": 1})
    held = {"subscription_id": f"sub_{id}", "account_id": id, "plan": "pro-monthly", "status": "active"}
    yield Put("subscriptions", held | {"customer_id": f"cus_{id}", "started_at": now, "version": 1})
    used = {"meter": f"{id}#api_calls", "period": now, "ends_at": ends_at, "quantity": 4711, "records": 47}
    yield Put("usage_periods", used | {"account_id": id})


def ask(account_id: str) -> tuple[float, float]:
    """One question at the handler; the milliseconds it took, and those of CPU among them."""
    path = f"/v1/accounts/{account_id}/entitlements"
    event = {
        "version": "2.0",
        "routeKey": "GET /v1/accounts/{id}/entitlements",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "http": {"method": "GET", "path": path},
            "requestId": "req",
            "stage": "$default",
            "authorizer": {"lambda": {"role": "product", "subject": "token:benchmark"}},
        },
        "isBase64Encoded": False,
    }
    began, busy = time.perf_counter(), time.thread_time()
    answer = handler(event, cast(Any, None))
    worked, took = time.thread_time() - busy, time.perf_counter() - began
    assert answer["statusCode"] == 200, answer
    return took * 1000, worked * 1000


def measured(
    clock: ManualClock, who: Sequence[str], before: Callable[[int, str], None]
) -> list[tuple[float, float]]:
    """`ask` for each of these accounts, the fastest first; `before` each something may happen."""
    found = []
    for number, account_id in enumerate(who):
        clock.advance(APART)
        before(number, account_id)
        found.append(ask(account_id))
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--count", type=int, default=5000)
    options = parser.parse_args()
    ids, dice = [f"acc_{number}" for number in range(options.accounts)], random.Random(20261121)
    with platform(options.accounts) as here:
        clock, entitling = cast(ManualClock, here.clock), services()
        apart = replace(entitling, remembered=Remembered(0))
        store = here.store
        unkept = replace(
            apart, standings=FromRecords(store, entitling.standings._accounts, entitling.standings._records)
        )
        some = [dice.choice(ids) for _ in range(options.count)]
        often = [dice.choice(ids[:20] if dice.random() < 0.5 else ids) for _ in range(options.count)]

        def nothing(number: int, account_id: str) -> None: ...

        def told(number: int, account_id: str) -> None:
            if number % 100 == 0:
                forget_entitlements.handler({"detail": {"account_id": account_id}}, None)

        rounds: list[tuple[str, Any, Sequence[str], Callable[[int, str], None]]] = [
            ("records", unkept, some, nothing),
            ("first", apart, ids, nothing),
            ("kept", apart, some, nothing),
            ("remembered", entitling, ids[:1] * options.count, nothing),
            ("mixed", entitling, often, told),
        ]
        print(f"{options.accounts} accounts; milliseconds at the handler; budget: p99 {P99:g}")
        print(
            f"{'':12}{'questions':>10}{'reads':>7}{'p50':>8}{'p99':>8}{'p99 CPU':>10}   records / this (p50)"
        )
        reference = 0.0
        for name, how, who, before in rounds:
            cast(Any, route).entitling = lambda how=how: how
            counted = cast(Counted, here.store)
            counted.reads = 0
            took = measured(clock, who, before)
            p50, p99 = took[len(took) // 2][0], took[len(took) * 99 // 100][0]
            busy = sorted(cpu for _, cpu in took)[len(took) * 99 // 100]
            reads = counted.reads / len(took)
            reference = reference or p50
            figures = (
                f"{len(took):>10}{reads:>7.2f}{p50:>8.2f}{p99:>8.2f}{busy:>10.2f}{reference / p50:>12.2f}"
            )
            verdict = "" if name in ("records", "first") else ("   met" if p99 <= P99 else "   missed")
            print(f"{name:12}{figures}{verdict}")


if __name__ == "__main__":
    main()
