"""A day of sign-ups, each through to the end it is meant to come to: what we promise, measured.

    .venv/bin/python -m benchmarks.day [--signups 1000] [--seed 20261120]

People of every kind (benchmarks/day_people.py) come at random moments of 24 simulated hours and do what
people do: confirm with their bank after minutes, pay hours later, or never; banks answer, reviewers decide,
addresses are confirmed by the link in the mail, links that customer success sold are paid. Real: intake,
API, dispatch, engine, every step and its SDK, collectors, schedules, Stripe's webhooks (up to two seconds
late, out of order, one in twenty twice). Simulated: time, which jumps to the next moment somebody waits for;
vendors and people, in this process. Each call of a vendor takes 0.1 to 0.6 seconds by seed, and our own work
as long as it takes here.

Printed: how many came to the end that they were meant to within a day of coming; how long it took from
signing up to active where nobody is waited for, and from paying (deciding, confirming) to active where
somebody is; what the census finds too much. Exits with 1 when a promise is broken.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import day_census, load
from benchmarks.day_actors import PRODUCT, SUPPORT, Actors
from benchmarks.day_people import CONFIRMING, Person, people
from infra.local import simulation
from infra.local.build import FILE
from infra.local.simulation import START, Simulation
from infra.local.simulation.webhooks import Webhooks
from infra.local.stand_ins.http import Request
from tests.faults.vendors import SET_UP
from tests.faults.world import records
from usher.bootstrap.observe import logger

DAY = timedelta(days=1)
STRIPE_SECRET = "whsec_stripe_of_the_day"
CALL_SECONDS = (0.1, 0.6)
ACTIVE_WITHIN, PAID_WITHIN = 60.0, 10.0  # seconds: what users are promised
ENDS = {f"onboarding.{how}" for how in ("completed", "rolled_back", "rejected", "expired")}
NEVER_BY_ITSELF = 365 * 24 * 3600  # seconds: banks answer when a person of the day says so


@dataclass
class Day:
    """What came of a day.

    Attributes:
        missed: who did not come to the end that was meant, with where they stand.
        seconds: by what was waited for ("sign-up", "pay", "bank", "decide", "confirm"), until active.
        troubles: what people could not do, in words.
    """

    people: list[Person]
    missed: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        """Whether everyone came to the end that was meant, with nothing left over or doubled."""
        return not (self.missed or self.troubles or self.orphans or self.doubles)

    @property
    def in_time(self) -> bool:
        """Whether everybody who became active did so as soon as promised."""
        paid = [*self.seconds.get("pay", ()), *self.seconds.get("bank", ())]
        return all(s <= PAID_WITHIN for s in paid) and all(
            s <= ACTIVE_WITHIN for took in self.seconds.values() for s in took
        )


@contextmanager
def opened(folder: Path, seed: int, *, schedules: bool) -> Iterator[Simulation]:
    """A simulation whose vendors take their time."""
    with simulation.opened(
        folder,
        scale=1.0,
        onboarding=CONFIRMING,
        tokens={SUPPORT: "support", PRODUCT: "product"},
        webhooks={
            "webhook_url": "http://usher.simulation/webhooks/stripe",
            "webhook_secret": STRIPE_SECRET,
            "options": {"clearing_seconds": NEVER_BY_ITSELF},
        },
        schedules=schedules,
    ) as found:
        chance, lock = random.Random(seed), threading.Lock()

        def wait() -> None:
            with lock:
                seconds = chance.uniform(*CALL_SECONDS)
            found.clock.sleep(seconds)

        found.vendors.latency = wait
        yield found


def run(folder: Path, count: int, *, seed: int, schedules: bool = True, patience: float = 3600.0) -> Day:
    """One day; returns what came of it.

    Args:
        schedules: whether the sweepers run, each minute of the day.
        patience: seconds of wall time until what has not ended counts as missed.
    """
    day = Day(people(count, start=START, within=DAY, seed=seed))
    with opened(folder, seed, schedules=schedules) as found:
        actors = Actors(found)
        webhooks = Webhooks(found, secret=STRIPE_SECRET, post=actors.deliver, seed=seed)
        last = day.people[-1].came
        ended = threading.Event()
        found.clock.call_at(last + DAY, ended.set)  # whoever has not come to an end by then has not
        for person in day.people:
            actors.expect(person)
        found.go()
        deadline = time.monotonic() + patience
        while not ended.is_set() and time.monotonic() < deadline:
            ended.wait(0.2)
            if found.clock.now() > last and all(_is_there(row, p) for p, row in _stand(folder, day)):
                break
        while webhooks.owed and time.monotonic() < deadline:
            time.sleep(0.01)
        day.troubles = actors.troubles
        _judge(day, folder, found)
        actors.close()
    return day


def _stand(folder: Path, day: Day) -> list[tuple[Person, dict[str, Any]]]:
    rows = {row["signup_id"]: row for row in records(folder / FILE, ("signups",))["signups"]}
    return [(person, rows.get(person.signup_id, {})) for person in day.people]


def _is_there(row: dict[str, Any], person: Person) -> bool:
    """Whether it has come to its end, CRM and welcome mail included."""
    if row.get("status") != person.kind.wants:
        return False
    return person.kind.wants != "active" or row["stage"] in ("welcomed", "welcome_sent")


def _judge(day: Day, folder: Path, found: Simulation) -> None:
    kept = records(folder / FILE)
    ended = {
        row["payload"]["signup_id"]: _moment(row["timestamp"])
        for row in kept["events"]
        if row["type"] in ENDS
    }
    for person, row in _stand(folder, day):
        day.ends[row.get("status", "lost")] += 1
        if not _is_there(row, person) or ended[person.signup_id] > person.came + DAY:
            reason = (row.get("failure") or {}).get("reason", row.get("stage"))
            day.missed.append(f"{person.name} {person.signup_id} is {row.get('status', 'lost')}: {reason}")
        elif person.kind.wants == "active":
            since = person.acted if person.kind.act else _moment(row["received_at"])
            assert since is not None, "only who was waited for has somebody to act for them"
            took = (_moment(row["active_at"]) - since).total_seconds()
            day.seconds.setdefault(person.kind.act or "sign-up", []).append(took)
    objects = {
        name: {kind: held for kind, held in _objects(found, name).items() if kind not in SET_UP}
        for name in found.vendors.stand_ins
    }
    day.orphans = day_census.orphans(objects, kept)
    day.doubles = day_census.doubles(objects, kept)


def _objects(found: Simulation, vendor: str) -> dict[str, list[dict[str, Any]]]:
    answer = found.vendors.answer(vendor, Request("GET", "/_control/objects"))
    held: dict[str, list[dict[str, Any]]] = answer.json()["objects"]
    return held


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


NAMES = {
    "sign-up": f"sign-up to active (promised: {ACTIVE_WITHIN:.0f} s)",
    "pay": f"paid to active (promised: {PAID_WITHIN:.0f} s)",
    "bank": f"bank confirms to active (promised: {PAID_WITHIN:.0f} s)",
    "decide": "approved to active",
    "confirm": "address confirmed to active",
}


def tell(day: Day) -> None:
    """Print what came of it."""
    reached = len(day.people) - len(day.missed)
    print(
        f"{reached} of {len(day.people)} came to the end they were meant to, within a day: {dict(day.ends)}"
    )
    print(f"{'business time, seconds':46} {'people':>6} {'p50':>6} {'p95':>6} {'p99':>6} {'max':>6}")
    for name, title in NAMES.items():
        took = day.seconds.get(name, [])
        if took:
            shown = [*(load.percentile(took, share) for share in (0.5, 0.95, 0.99)), max(took)]
            print(f"  {title:44} {len(took):6}", *(f"{each:6.2f}" for each in shown))
    print(f"census: {len(day.orphans)} orphans, {len(day.doubles)} doubles")
    for line in [*day.missed, *day.troubles, *day.orphans, *day.doubles][:40]:
        print(f"  ! {line}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--signups", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=20261120)
    options = arguments.parse_args()
    logger.setLevel("CRITICAL")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        print(load.machine(), flush=True)
        day = run(Path(folder), options.signups, seed=options.seed)
    print(f"a day of {options.signups} sign-ups, seed {options.seed}, ", end="")
    print(f"{time.perf_counter() - began:.0f} s to simulate")
    tell(day)
    kept = day.whole and day.in_time
    print("promises kept" if kept else "promises NOT kept")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
