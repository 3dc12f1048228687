"""A whole Usher with its vendors in this process: the real handlers, workflows and SDKs.

Time skips what nobody works in, so that back-off costs nothing.
"""

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import urllib3

from infra import catalog
from infra.local.build import FILE, LocalUsher
from infra.local.clock import LocalClock
from infra.local.prepare import prepare
from infra.local.signed_posts import Outcome, Signed, get, post
from tests.faults.crashing import Crash, When
from tests.faults.sign_ups import signed
from tests.faults.surroundings import TOKEN, free_port, logging_to, secrets
from tests.faults.vendors import KEYS, Vendors, policies, vendors
from usher.bootstrap import policies as bootstrap_policies
from usher.ports.store import Item
from usher.settings import Settings

VENDOR_TIMEOUT = (
    10.0  # seconds of wall time; shorter only where calls are made to hang, for a busy machine stalls
)
TABLES = tuple(table.name for table in catalog.TABLES)
LIMIT = 30.0  # seconds until a test gives up: never how long something takes


class World:
    """One Usher at one address; `stop`, `start` and `crash_at` end and begin it as a process ends.

    Attributes:
        usher: the deployment that runs now.
        vendors: what it calls.
        crash: where the deployment that runs now is going to die, if anywhere.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        vendors: Vendors,
        *,
        skipping: bool,
        longest_skip: float,
        vendor_timeout: float,
    ) -> None:
        self._folder, self._port, self._skipping = folder, port, skipping
        self._longest_skip = longest_skip
        self._vendor_timeout = vendor_timeout
        self.vendors = vendors
        self._lives = 0
        self._data = folder / "life-0"
        self._data.mkdir()
        self._clock: LocalClock | None = None
        self.crash: Crash
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)
        self.url = f"http://127.0.0.1:{port}"

    # -- life ----------------------------------------------------------------------------------------------

    def start(self, *, dying: tuple[str, When] | None = None) -> None:
        """Begin on the data of the life before; `dying` as in `crash_at`."""
        self._lives += 1
        now = None if self._clock is None else self.crash.died_at or self._clock.offset()
        since = {"offset": now} if now is not None else {}
        clock = LocalClock(skipping=self._skipping, longest_skip=self._longest_skip, **since)
        next_life = self._folder / f"life-{self._lives}"
        self.crash = Crash(self._data / FILE, next_life / FILE, clock.offset)
        bases: dict[str, Any] = {f"{vendor}_api_base": url for vendor, url in self.vendors.urls.items()}
        settings = Settings(public_url=self.url, vendor_timeout_seconds=self._vendor_timeout, **bases)
        self._clock = clock
        self.usher = LocalUsher(
            self._data,
            settings,
            clock=clock,
            secrets=secrets(self._folder / "secrets.json"),
            port=self._port,
            handlers=self.crash.handlers(),
            workers=8,
            schedules=False,
        )
        if dying:
            self.crash_at(*dying)
        self.usher.start()

    def stop(self) -> None:
        """End in good order."""
        self.usher.stop()
        assert self._clock is not None
        self._clock.close()
        self._http.clear()

    def crash_at(self, function: str, when: When) -> None:
        """Let the deployment die at this point; `revive` waits for it."""
        (self._folder / f"life-{self._lives}").mkdir()
        self.crash.at(function, when)

    def crash_now(self) -> None:
        """Let the deployment die in the midst of what it does."""
        (self._folder / f"life-{self._lives}").mkdir()
        self.crash.now()

    def revive(self, dying: tuple[str, When] | None = None) -> None:
        """Wait for the death, then start on what the dead one left behind, to die again at `dying`."""
        assert self.crash.died.wait(LIMIT), f"it never came to {self.crash.point}"
        self.stop()
        self._data = self._folder / f"life-{self._lives}"
        self.start(dying=dying)

    def settle(self) -> None:
        """Wait until nothing more happens by itself, at Usher or between Stripe and it."""
        deadline = time.monotonic() + LIMIT
        while True:
            assert self.usher.wait_idle(LIMIT), f"still at work after {LIMIT} s: {self.unfinished()}"
            if self.vendors.owed_webhooks() == 0 and self.usher.idle():
                return
            assert time.monotonic() < deadline, "Stripe still owes webhooks"

    def rest(self, *, waiting: int = 9) -> None:
        """Wait until nothing more happens before somebody acts or a long deadline passes."""
        deadline = time.monotonic() + LIMIT
        while not (self._rests(waiting) and self.vendors.owed_webhooks() == 0 and self._rests(waiting)):
            assert time.monotonic() < deadline, f"still at work after {LIMIT} s: {self.unfinished()}"
            time.sleep(0.005)

    def _rests(self, waiting: int) -> bool:
        usher, clock = self.usher, self.usher.clock
        assert isinstance(clock, LocalClock)
        return usher.activity.holds(lambda: usher.idle(waiting=waiting) and clock.rests())

    def let_time_pass(self) -> None:
        """Nobody acts any more: long deadlines are skipped to as well."""
        self._longest_skip = math.inf
        if self._clock is not None:
            self._clock.skip_at_most(math.inf)

    def wait_struck(self, vendor: str, operation: str | None = None) -> None:
        """Return once a fault ordered at the vendor has happened."""
        deadline = time.monotonic() + LIMIT
        while not self.vendors.struck(vendor, operation):
            assert time.monotonic() < deadline, f"the fault at {vendor} never happened"
            time.sleep(0.005)

    # -- sign-ups ------------------------------------------------------------------------------------------

    def post(self, *requests: Signed, connections: int = 1) -> Outcome:
        """Post as a product's backend does."""
        return post(self.url, requests, connections=connections)

    def sign_up(self, who: str = "ada", /, **values: Any) -> str:
        """Post one person's sign-up; returns its id."""
        outcome = self.post(signed(who, **values))
        assert outcome.statuses == {202: 1}
        return str(outcome.accepted[0]["signup_id"])

    def status(self, signup_id: str) -> dict[str, Any]:
        """What `GET /v1/signups/{id}` says."""
        found: dict[str, Any] = get(self.url, f"/v1/signups/{signup_id}", TOKEN)
        return found

    def call(
        self, method: str, path: str, body: Any = None, *, role: str = "support", **headers: str
    ) -> tuple[int, Any]:
        """Call a route as a person of this role; returns the status and the JSON, or the text of a page."""
        sent = {"authorization": f"Bearer {role}-token-of-the-fault-tests", **headers}
        if body is not None:
            sent["content-type"] = "application/json"
        text = None if body is None else json.dumps(body)
        answer = self._http.request(method, self.url + path, body=text, headers=sent, redirect=False)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status, answer.json() if is_json else answer.data.decode()

    def wait_status(self, signup_id: str, *wanted: str) -> dict[str, Any]:
        """Wait until the sign-up has one of these statuses; returns what its route says then."""
        deadline = time.monotonic() + LIMIT
        while (found := self.status(signup_id))["status"] not in wanted:
            assert time.monotonic() < deadline, f"{signup_id} is {found['status']}, not {wanted}"
            time.sleep(0.01)
        return found

    # -- records -------------------------------------------------------------------------------------------

    def rows(self, table: str) -> list[Item]:
        """Every item of a table."""
        return rows(self._data / FILE, table)

    def records(self) -> dict[str, list[Item]]:
        """Every item of every table."""
        return records(self._data / FILE)

    def executions(self) -> list[dict[str, Any]]:
        return self.usher.engine.list_executions(limit=10_000)

    def unfinished(self) -> dict[str, Any]:
        """Where sign-ups stand, for the message of a test that gives up."""
        return {row["signup_id"]: row["stage"] for row in self.rows("signups")}


def eventually(holds: Callable[[], bool], seconds: float = LIMIT) -> bool:
    """Wait until something holds that happens by itself; False when it did not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def rows(database: Path, table: str) -> list[Item]:
    """Every item of a table, read beside whoever runs on the database."""
    return records(database, (table,))[table]


def records(database: Path, tables: tuple[str, ...] = TABLES) -> dict[str, list[Item]]:
    """Every item of the tables, as one moment saw them."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN")
        return {
            table: [json.loads(text) for (text,) in connection.execute(f"SELECT item FROM item_{table}")]
            for table in tables
        }


@contextlib.contextmanager
def opened(
    folder: Path,
    *,
    skipping: bool = True,
    longest_skip: float = math.inf,
    seed: int = 0,
    stripe: dict[str, Any] | None = None,
    onboarding: dict[str, Any] | None = None,
    plans: dict[str, dict[str, Any]] | None = None,
    vendor_timeout: float = VENDOR_TIMEOUT,
) -> Iterator[World]:
    """A running world in an empty folder.

    Args:
        skipping: pass over waiting times; False lives in real time.
        longest_skip: business seconds that are passed over at once at most: somebody may act before a
            deadline that is further off.
        stripe: options of its stand-in (docs/stand-ins.md); `seed` decides where they are random.
        onboarding: settings of policies/onboarding.yaml in place of its own.
        plans: settings of single plans in place of their own; the vendors are set up for them.
        vendor_timeout: wall seconds that Usher waits for a vendor's answer.
    """
    content = policies()
    content = {**content, "onboarding": {**content["onboarding"], **(onboarding or {})}}
    own = content["plans"]["plans"]
    changed = {key: {**own[key], **settings} for key, settings in (plans or {}).items()}
    content["plans"] = {**content["plans"], "plans": {**own, **changed}}
    bootstrap_policies.install(content)
    port = free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(logging_to(folder / "usher.jsonl"))
        options = {"retry_seconds": 0.05, **(stripe or {})}
        url = f"http://127.0.0.1:{port}"
        around = stack.enter_context(vendors(usher_url=url, stripe_options=options, seed=seed))
        if plans:
            env = {f"{vendor.upper()}_API_BASE": base for vendor, base in around.urls.items()}
            env |= {f"{vendor.upper()}_API_KEY": key for vendor, key in KEYS.items()}
            prepare(content, env, done=folder / "prepared")
        world = World(
            folder,
            port,
            around,
            skipping=skipping,
            longest_skip=longest_skip,
            vendor_timeout=vendor_timeout,
        )
        world.start()
        try:
            yield world
        finally:
            world.stop()
            bootstrap_policies.install({})
