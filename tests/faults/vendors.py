"""The five vendors of a test, each a stand-in in a thread: set up by the policies, broken by the test."""

import contextlib
import functools
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import stripe
import urllib3

from infra import policy_files
from infra.local.prepare import prepare
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.faults import Fault
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.serve import NAMES, running
from infra.local.stand_ins.stand_in import StandIn
from usher.domain.stripe_events import FOLLOWED

KEYS = {
    "stripe": "sk_test_faults",
    "hubspot": "pat-na1-faults",
    "postmark": "postmark-faults",
    "product": "prd_faults",
    "slack": "T000/B000/FAULTS",
}
STRIPE_SECRET = "whsec_stripe_of_the_fault_tests"
SET_UP = frozenset(
    {
        *("product", "price", "coupon", "promotion_code", "billing.meter", "event"),
        *("property", "property_group", "schema", "template"),
    }
)
_COLUMNS = "kind, id, created, owner, label, json"

Objects = dict[str, dict[str, list[dict[str, Any]]]]


class Vendors:
    """All five by name; `urls` are what Usher calls.

    Attributes:
        heard: every call with an effect that a vendor was asked for, as (vendor, operation), in order.
    """

    def __init__(self, urls: dict[str, str], heard: list[tuple[str, str]]) -> None:
        self.urls, self.heard = urls, heard
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)

    def control(self, vendor: str, method: str, path: str, body: Any = None) -> Any:
        """Call a control route; returns the JSON it answers."""
        text = None if body is None else json.dumps(body)
        answer = self._http.request(method, f"{self.urls[vendor]}/_control/{path}", body=text)
        assert answer.status == 200, answer.data
        return answer.json()

    def fault(self, vendor: str, operation: str, fault: str, **more: Any) -> None:
        """Order a fault; for the next call of the operation unless `count` says otherwise."""
        order = {"operation": operation, "fault": fault, "seconds": 5.0, **more}
        self.control(vendor, "POST", "faults", order)

    def struck(self, vendor: str, operation: str | None = None) -> int:
        """How often faults have happened at a vendor: all, or the one ordered last of an operation."""
        faults = self.control(vendor, "GET", "faults")["faults"]
        if operation is not None:
            faults = [fault for fault in faults if fault["operation"] == operation][-1:]
        return sum(fault["happened"] for fault in faults)

    def heal(self, vendor: str) -> None:
        self.control(vendor, "DELETE", "faults")

    def objects(self) -> Objects:
        """What the vendors hold for customers: by vendor and kind; what set-up made is left out."""
        return {
            vendor: {
                kind: held
                for kind, held in self.control(vendor, "GET", "objects")["objects"].items()
                if kind not in SET_UP
            }
            for vendor in self.urls
        }

    def calls(self, vendor: str) -> dict[str, int]:
        """How often each operation was called so far."""
        return {name: each["calls"] for name, each in self.control(vendor, "GET", "calls").items()}

    def owed_webhooks(self) -> int:
        """Webhooks that Stripe has not delivered yet."""
        return int(self.control("stripe", "GET", "deliveries")["pending"])

    @contextlib.contextmanager
    def stripe(self) -> Iterator[Any]:
        """Stripe's own API, for what is done there and not by Usher."""
        http = stripe.RequestsClient()
        base: Any = {"api": self.urls["stripe"]}
        client = stripe.StripeClient(KEYS["stripe"], base_addresses=base, http_client=http)
        try:
            yield client.v1
        finally:
            http.close()

    def close(self) -> None:
        self._http.clear()


@functools.cache
def policies() -> dict[str, Any]:
    """The content of policies/, read once for all tests."""
    return policy_files.load_all()


@contextlib.contextmanager
def vendors(*, usher_url: str, stripe_options: dict[str, Any], seed: int) -> Iterator[Vendors]:
    """Five stand-ins in memory, set up as the policies say."""
    with contextlib.ExitStack() as stack:
        urls: dict[str, str] = {}
        heard: list[tuple[str, str]] = []
        for name in NAMES:
            config = Config(api_key=KEYS[name])
            if name == "stripe":
                config = Config(
                    api_key=KEYS[name],
                    webhook_url=f"{usher_url}/webhooks/stripe",
                    webhook_secret=STRIPE_SECRET,
                    options={"enabled_events": FOLLOWED, **stripe_options},
                    seed=seed,
                )
            began = stack.enter_context(running(name, config=config))
            _set_up(name, began.stand_in)
            _listen(name, began.stand_in, heard)
            urls[name] = began.url
        found = Vendors(urls, heard)
        stack.callback(found.close)
        yield found


@functools.cache
def _prepared() -> dict[str, list[Any]]:
    """What vendors hold that were set up by real calls: rows of objects, by vendor."""
    kinds = sorted(SET_UP - {"event"})
    wanted = f"SELECT {_COLUMNS} FROM objects WHERE kind IN ({','.join('?' * len(kinds))})"
    with contextlib.ExitStack() as stack:
        began = {
            name: stack.enter_context(running(name, config=Config(api_key=KEYS[name]))) for name in NAMES
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        env = {f"{name.upper()}_API_BASE": each.url for name, each in began.items()}
        env |= {f"{name.upper()}_API_KEY": key for name, key in KEYS.items()}
        prepare(policies(), env, done=folder / "prepared")
        return {
            name: each.stand_in.state.connection.execute(wanted, kinds).fetchall()
            for name, each in began.items()
        }


def _set_up(name: str, stand_in: StandIn) -> None:
    insert = f"INSERT INTO objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
    stand_in.state.connection.executemany(insert, _prepared()[name])


def _listen(vendor: str, stand_in: StandIn, heard: list[tuple[str, str]]) -> None:
    """Note every call that is not a read when the vendor gets to perform it."""
    perform: Callable[[Request, Any, Fault | None], Answer] = stand_in.perform

    def noted(request: Request, handler: Any, fault: Fault | None) -> Answer:
        if request.method != "GET":
            heard.append((vendor, request.operation))
        return perform(request, handler, fault)

    stand_in.perform = noted  # type: ignore[method-assign]  # overheard
