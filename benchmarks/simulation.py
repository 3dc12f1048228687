"""A rush of sign-ups in simulated time, against vendors that keep their limits (infra/local/simulation)."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local.signed_posts import sign
from infra.local.simulation import SECRET, START, Simulation, opened
from infra.local.simulation.vendors import KEYS
from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap.admission import admission
from usher.domain.errors import VendorUnavailable


class Crowd:
    """People who sign up in a simulation, and dunning beside them."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.refused: Counter[int] = Counter()

    def arrive(self, count: int, *, within: timedelta) -> None:
        """Let sign-ups come at even distances from START on."""

        def one(number: int) -> None:
            if number + 1 < count:
                self._simulation.at(START + within * (number + 1) / count, lambda: one(number + 1))
            self._post(number)

        self._simulation.at(START, lambda: one(0))

    def _post(self, number: int) -> None:
        body = json.dumps(_signup(number)).encode()
        signed = sign(SECRET, body, webhook_id=f"msg_{number}", at=self._simulation.clock.timestamp())
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
        answer = self._simulation.usher.functions.invoke("intake/receive_signup", event)
        if answer["statusCode"] != 202:
            self.refused[answer["statusCode"]] += 1

    def minutes(self) -> float:
        """How much of the simulated time has passed."""
        return (self._simulation.clock.now() - START) / timedelta(minutes=1)

    def dunning(self, *, every: timedelta, calls: int) -> list[tuple[float, float]]:
        """Make so many calls at a time in the reserved lane, to the endpoint that sign-ups press most.

        Returns a list that fills with the minute and the seconds each call took from wish to answer; one that
        is told to come later comes then, as a workflow would.
        """
        platform, took = self._simulation.usher.platform, []
        stripe = StripeCalls(
            api_base=self._simulation.vendors.urls["stripe"],
            api_key=KEYS["stripe"],
            admission=admission(platform, "reserved"),
        )
        customer = stripe.call("post", "/v1/customers", {"email": "late@simulation.example.com"})["id"]

        def call(wished: datetime) -> None:
            try:
                stripe.call("post", f"/v1/customers/{customer}", {"description": "reminded"})
            except VendorUnavailable as error:
                self._simulation.at(
                    self._simulation.clock.now() + timedelta(seconds=error.retry_after or 1.0),
                    lambda: call(wished),
                )
            else:
                now = self._simulation.clock.now()
                took.append(((wished - START) / timedelta(minutes=1), (now - wished).total_seconds()))

        def again(moment: datetime) -> None:
            for _ in range(calls):
                self._simulation.at(moment, lambda: call(moment))
            self._simulation.at(moment + every, lambda: again(moment + every))

        self._simulation.at(START + every, lambda: again(START + every))
        return took

    def drained(self) -> float:
        """The minute in which the last execution so far ended."""
        row = (
            self._simulation.usher.database.reader()
            .execute("SELECT MAX(stopped) FROM workflow_executions")
            .fetchone()
        )
        return ((row[0] or START.timestamp()) - START.timestamp()) / 60

    def ended(self) -> int:
        """How many executions have ended, well or not."""
        row = self._simulation.usher.database.reader().execute(
            "SELECT COUNT(*) FROM workflow_executions WHERE status <> 'RUNNING'"
        )
        return int(row.fetchone()[0])

    def signups(self) -> Counter[tuple[str, str]]:
        """How many sign-ups stand at each (status, stage)."""
        rows = self._simulation.usher.database.reader().execute("SELECT item FROM item_signups")
        items = (json.loads(row[0]) for row in rows)
        return Counter((item["status"], item["stage"]) for item in items)


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
        crowd = Crowd(simulation)
        lane = crowd.dunning(every=timedelta(seconds=5), calls=3)
        crowd.arrive(count, within=within)
        simulation.go()
        while crowd.ended() < count and simulation.clock.now() < START + give_up:
            time.sleep(0.2)
        drained = crowd.drained()
        while crowd.minutes() < drained + idle / timedelta(minutes=1):
            time.sleep(0.02)
        calls = Counter(simulation.vendors.calls)
        del calls["stripe", "POST /v1/customers/{id}"]
        return Rush(
            drained=drained,
            ends=crowd.signups(),
            turned_away=crowd.refused,
            answers=Counter(simulation.vendors.answers),
            calls=calls,
            loaded=[seconds for minute, seconds in lane if minute < drained],
            idle=[seconds for minute, seconds in lane if minute >= drained],
        )


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
