"""A simulated hour in one process: real handlers, engine and SDKs, vendors with limits, time that jumps.

Time stands still while anybody works and jumps to the next moment somebody waits for, so a run says what
admission does and nothing about how fast the machine is. Calls reach the stand-ins without sockets.
"""

import contextlib
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.simulated_vendors import KEYS, Vendors
from infra import policy_files
from infra.local.build import LocalUsher
from infra.local.cli.serving import on_one_core
from infra.local.clock import LocalClock
from infra.local.prepare import prepare
from infra.local.secrets import FileSecrets
from infra.local.signed_posts import sign
from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap import policies as usher_policies
from usher.bootstrap.admission import admission
from usher.domain.errors import VendorUnavailable
from usher.settings import Settings

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
STILL = 1e-6  # business seconds per wall second: next to nothing
SECRET = "whsec_c2lnbi11cHMtb2YtdGhlLXNpbXVsYXRpb24="


class SimulatedClock(LocalClock):
    """The clock on the wall shows simulated time too, so what goes by it (a post a second) jumps too."""

    def wall(self) -> datetime:
        return self.now()


class Simulation:
    """One Usher with its vendors; time stands at START until `go`.

    Attributes:
        usher: the running deployment.
        vendors: what it calls.
        clock: the time of all of them.
    """

    def __init__(self, usher: LocalUsher, vendors: Vendors, clock: LocalClock) -> None:
        self.usher, self.vendors, self.clock = usher, vendors, clock
        self._hands = ThreadPoolExecutor(8, thread_name_prefix="arrivals")
        self._closing = False
        self.refused: Counter[int] = Counter()

    def go(self) -> None:
        """Let time pass: what begins at START has been arranged."""
        self.clock.end()

    def at(self, moment: datetime, do: Callable[[], None]) -> None:
        """Have `do` done at this moment, beside whatever else is."""

        def ring() -> None:
            if not self._closing:
                self.clock.begin()
                self._hands.submit(work)

        def work() -> None:
            try:
                do()
            finally:
                self.clock.end()

        self.clock.call_at(moment, ring)

    def arrive(self, count: int, *, within: timedelta) -> None:
        """Let sign-ups come at even distances from START on."""

        def one(number: int) -> None:
            if number + 1 < count:
                self.at(START + within * (number + 1) / count, lambda: one(number + 1))
            self._post(number)

        self.at(START, lambda: one(0))

    def _post(self, number: int) -> None:
        body = json.dumps(_signup(number)).encode()
        signed = sign(SECRET, body, webhook_id=f"msg_{number}", at=self.clock.timestamp())
        event = {
            "version": "2.0",
            "routeKey": "POST /webhooks/signup",
            "rawPath": "/webhooks/signup",
            "rawQueryString": "",
            "headers": dict(signed.headers),
            "requestContext": {
                "requestId": f"r{number}",
                "http": {"method": "POST", "path": "/webhooks/signup"},
            },
            "body": signed.body.decode(),
            "isBase64Encoded": False,
        }
        answer = self.usher.functions.invoke("intake/receive_signup", event)
        if answer["statusCode"] != 202:
            self.refused[answer["statusCode"]] += 1

    def minutes(self) -> float:
        """How much of the simulated time has passed."""
        return (self.clock.now() - START) / timedelta(minutes=1)

    def dunning(self, *, every: timedelta, calls: int) -> list[tuple[float, float]]:
        """Make so many calls at a time in the reserved lane, to the endpoint that sign-ups press most.

        Returns a list that fills with the minute and the seconds each call took from wish to answer; one that
        is told to come later comes then, as a workflow would.
        """
        platform, took = self.usher.platform, []
        stripe = StripeCalls(
            api_base=self.vendors.urls["stripe"],
            api_key=KEYS["stripe"],
            admission=admission(platform, "reserved"),
        )
        customer = stripe.call("post", "/v1/customers", {"email": "late@simulation.example.com"})["id"]

        def call(wished: datetime) -> None:
            try:
                stripe.call("post", f"/v1/customers/{customer}", {"description": "reminded"})
            except VendorUnavailable as error:
                self.at(self.clock.now() + timedelta(seconds=error.retry_after or 1.0), lambda: call(wished))
            else:
                now = self.clock.now()
                took.append(((wished - START) / timedelta(minutes=1), (now - wished).total_seconds()))

        def again(moment: datetime) -> None:
            for _ in range(calls):
                self.at(moment, lambda: call(moment))
            self.at(moment + every, lambda: again(moment + every))

        self.at(START + every, lambda: again(START + every))
        return took

    def drained(self) -> float:
        """The minute in which the last execution so far ended."""
        row = self.usher.database.reader().execute("SELECT MAX(stopped) FROM workflow_executions").fetchone()
        return ((row[0] or START.timestamp()) - START.timestamp()) / 60

    def ended(self) -> int:
        """How many executions have ended, well or not."""
        row = self.usher.database.reader().execute(
            "SELECT COUNT(*) FROM workflow_executions WHERE status <> 'RUNNING'"
        )
        return int(row.fetchone()[0])

    def signups(self) -> Counter[tuple[str, str]]:
        """How many sign-ups stand at each (status, stage)."""
        rows = self.usher.database.reader().execute("SELECT item FROM item_signups")
        items = (json.loads(row[0]) for row in rows)
        return Counter((item["status"], item["stage"]) for item in items)

    def close(self) -> None:
        self._closing = True
        self._hands.shutdown()


@dataclass(frozen=True, slots=True)
class Rush:
    """What came of a rush.

    Attributes:
        drained: the minute in which the last sign-up had its CRM records and its welcome mail.
        ends: sign-ups by (status, stage); whole are those at ("active", "welcomed").
        turned_away: what intake answered instead of 202, by status.
        answers: vendors' answers by (vendor, status).
        calls: vendors' calls by (vendor, operation), without those of the reserved lane.
        loaded, idle: seconds that calls of the reserved lane took, until then and after.
    """

    drained: float
    ends: Counter[tuple[str, str]]
    turned_away: Counter[int]
    answers: Counter[tuple[str, int]]
    calls: Counter[tuple[str, str]]
    loaded: list[float]
    idle: list[float]

    @property
    def whole(self) -> int:
        return self.ends["active", "welcomed"]

    def refused(self, vendor: str | None = None) -> float:
        """The share of 429s among a vendor's answers, or among all."""
        of = {key: number for key, number in self.answers.items() if vendor in (None, key[0])}
        return sum(number for (_, status), number in of.items() if status == 429) / sum(of.values())


def rush(
    folder: Path,
    count: int,
    *,
    within: timedelta,
    idle: timedelta,
    give_up: timedelta,
    stripe: Mapping[str, Any] | None = None,
) -> Rush:
    """Let sign-ups come, with dunning beside them, until all have ended; then watch dunning alone for `idle`.

    Dunning makes three calls at a time every five seconds. What has not ended by `give_up` has not.
    `stripe` are options of its stand-in (docs/stand-ins.md).
    """
    with opened(folder, stripe=stripe) as simulation:
        lane = simulation.dunning(every=timedelta(seconds=5), calls=3)
        simulation.arrive(count, within=within)
        simulation.go()
        while simulation.ended() < count and simulation.clock.now() < START + give_up:
            time.sleep(0.2)
        drained = simulation.drained()
        while simulation.minutes() < drained + idle / timedelta(minutes=1):
            time.sleep(0.02)
        calls = Counter(simulation.vendors.calls)
        del calls["stripe", "POST /v1/customers/{id}"]
        return Rush(
            drained=drained,
            ends=simulation.signups(),
            turned_away=simulation.refused,
            answers=Counter(simulation.vendors.answers),
            calls=calls,
            loaded=[seconds for minute, seconds in lane if minute < drained],
            idle=[seconds for minute, seconds in lane if minute >= drained],
        )


@contextlib.contextmanager
def opened(
    folder: Path,
    *,
    stripe: Mapping[str, Any] | None = None,
    scale: float = STILL,
    onboarding: Mapping[str, Any] | None = None,
    tokens: Mapping[str, str] | None = None,
    webhooks: Mapping[str, Any] | None = None,
    schedules: bool = True,
) -> Iterator[Simulation]:
    """A simulation in an empty folder, under a deployment's limits (policies/limits.yaml), before `go`.

    Args:
        stripe: options of its stand-in (docs/stand-ins.md).
        scale: business seconds per second of work; as good as none unless given.
        onboarding: settings of policies/onboarding.yaml in place of its own.
        tokens: who may call the API: roles by token.
        webhooks: settings of Stripe's stand-in that make it owe webhooks; it owes none when left out.
        schedules: whether they fire.
    """
    policies = policy_files.load_all()
    policies = {**policies, "onboarding": {**policies["onboarding"], **(onboarding or {})}}
    rates = policies["limits"]["deployed"]
    policies = {**policies, "limits": {"local": rates, "deployed": rates}}
    usher_policies.install(policies)
    with contextlib.ExitStack() as stack:
        stack.enter_context(on_one_core())
        clock = SimulatedClock(scale=scale, skipping=True, started_at=START)
        stack.callback(clock.close)
        clock.begin()  # until `go`
        vendors = Vendors(folder, clock, webhooks or {})
        stack.callback(vendors.close)
        stack.enter_context(vendors.reachable())
        env = {f"{name.upper()}_API_BASE": url for name, url in vendors.urls.items()}
        env |= {f"{name.upper()}_API_KEY": key for name, key in KEYS.items()}
        prepare(policies, env, done=folder / "prepared")
        vendors.keep_limits(stripe or {})
        bases: dict[str, Any] = {f"{name}_api_base": url for name, url in vendors.urls.items()}
        usher = LocalUsher(
            folder,
            Settings(**bases),
            clock=clock,
            secrets=_secrets(folder / "secrets.json", tokens or {}, webhooks or {}),
            workers=8,
            synchronous="OFF",
            schedules=schedules,
        )
        usher.start()
        stack.callback(usher_policies.install, {})
        stack.callback(usher.stop)
        simulation = Simulation(usher, vendors, clock)
        stack.callback(simulation.close)
        yield simulation


def _secrets(path: Path, tokens: Mapping[str, str], webhooks: Mapping[str, Any]) -> FileSecrets:
    secrets = FileSecrets(path)
    names = {"slack": "slack_webhook"}
    secrets.provide({names.get(vendor, f"{vendor}_api_key"): key for vendor, key in KEYS.items()})
    hashed = {hashlib.sha256(token.encode()).hexdigest(): role for token, role in tokens.items()}
    secrets.provide(
        {
            "signup_webhook": SECRET,
            "stripe_webhook": webhooks.get("webhook_secret", "whsec_simulation"),
            "access_tokens": json.dumps(hashed),
            "link_signing": "links-of-the-simulation",
        }
    )
    return secrets


def _signup(number: int) -> dict[str, Any]:
    return {
        "type": "signup.completed",
        "timestamp": START.isoformat(),
        "data": {
            "email": f"person-{number}@simulation.example.com",
            "name": f"Person {number}",
            "company": {"name": f"Company {number}", "domain": f"c{number}.example.com", "size": 12},
            "plan": "pro-monthly",
            "payment_method": "pm_card_visa",
            "referral_source": "simulation",
        },
    }
