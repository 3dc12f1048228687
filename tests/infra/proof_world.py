"""One deployment with vendors of its own, and what is lived through in it: the same on AWS and locally."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from infra.aws.lock_layers import ROOT
from infra.local.prepare import prepare
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import NAMES, Running, running
from tests.fakes.webhooks import signup_post, stripe_post
from tests.infra.final_records import canonical, records
from usher.domain import ids
from usher.ports.store import Equals, Item, Store

PEOPLE = {
    "card": "card-monthly",
    "trial": "trial",
    "free": "free",
    "declined": "card-declined",
    "invoice": "invoice",
    "enterprise": "enterprise",
    "unpaid": "without-card",
    "unbacked": "card-yearly",
}
# A card that can be kept and not be charged: billing fails when there is a customer and a subscription.
CARDS = {"unbacked": "pm_card_chargeCustomerFail"}
LINK = "link"  # the one onboarding that is no sign-up of a person's own
TOKENS = {role: f"{role}_token_of_the_tests" for role in ("product", "support")}
KEYS = {
    "stripe": "sk_test_" + "0" * 48,
    "hubspot": "pat-na1-00000000-0000-4000-8000-000000000000",
    "postmark": "00000000-0000-4000-8000-000000000000",
    "product": "prd_key",
    "slack": "T00000000/B00000000/" + "0" * 24,
}
SECRETS = {
    "signup_webhook": "whsec_c2lnbnVwLXNlY3JldC1vZi10aGUtdGVzdHM=",
    "stripe_webhook": "whsec_stripe_secret_of_the_tests",
    "access_tokens": json.dumps(
        {hashlib.sha256(token.encode()).hexdigest(): role for role, token in TOKENS.items()}
    ),
    "slack_webhook": KEYS["slack"],
    "link_signing": "key_of_the_tests_for_links",
    **{f"{vendor}_api_key": key for vendor, key in KEYS.items() if vendor != "slack"},
}


@dataclass
class World:
    """A deployment: how a function is called, what it keeps, who it calls.

    `settle` waits until all is done but what waits for somebody.
    """

    call: Callable[[str, dict[str, Any]], Any]
    settle: Callable[[], object]
    store: Store
    vendors: dict[str, Running]
    ids: dict[str, str] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)

    def live(self) -> None:
        """Everything that the tests look at, in one order, each step when the one before has come to rest."""
        self.sign_up()
        self.sell_by_phone()
        self.settle()
        self.approve()
        self.pay_for_who_brought_no_card()
        self.pay_at_the_link()
        self.check_the_account()
        self.change_at_stripe()
        self.call("reporting/sweep_outbox", {})  # what a batch of the stream tore apart is published again
        self.settle()
        self.status = self.api("GET", "/v1/signups/{id}", id=self.ids["card"], role="product")

    # -- what people do ------------------------------------------------------------------------------------

    def sign_up(self) -> None:
        """Post everybody's sign-up as a product's backend does."""
        for name, file in PEOPLE.items():
            event = json.loads((ROOT / "events" / f"signup-{file}.json").read_text())
            if name in CARDS:
                event["data"]["payment_method"] = CARDS[name]
            body = json.dumps(event).encode()
            post = signup_post(body, webhook_id=f"msg_{name}", at=_now(), secret=SECRETS["signup_webhook"])
            answer = self.call("intake/receive_signup", post)
            assert answer["statusCode"] == 202, answer
            self.ids[name] = ids.derived("su", f"msg_{name}")

    def sell_by_phone(self) -> None:
        """Customer success sells a plan to a phone."""
        order = {"phone": "+85251234567", "plan": "pro-monthly", "name": "Acme", "email": "acme@example.com"}
        self.ids[LINK] = self.api("POST", "/v1/onboardings", body=order, status=201)["signup_id"]

    def approve(self) -> None:
        """A reviewer lets the enterprise sign-up in."""
        assert self.signup("enterprise")["status"] == "waiting_review"
        decision = {"decision": "approve", "reason": "known from the trade fair"}
        self.api("POST", "/v1/onboardings/{id}/decision", id=self.ids["enterprise"], body=decision)
        self.settle()

    def pay_for_who_brought_no_card(self) -> None:
        assert self.signup("unpaid")["status"] == "waiting_payment"
        self._pay(session=self.signup("unpaid")["checkout_url"])

    def pay_at_the_link(self) -> None:
        assert self.signup(LINK)["status"] == "waiting_payment"
        self._pay(link=self.signup(LINK)["checkout_url"])

    def check_the_account(self) -> None:
        """The day until the check is passed over: its step is called as the workflow calls it a day later."""
        command = {
            "signup_id": self.ids[LINK],
            "correlation_id": self.signup(LINK)["correlation_id"],
            "retry_count": 0,
            "entered_at": _now().isoformat(),
        }
        self.call("onboarding/open_check_task", command)
        self.settle()
        self.api("POST", "/v1/onboardings/{id}/check", id=self.ids[LINK], body={"note": "all is there"})
        self.settle()

    def change_at_stripe(self) -> None:
        """Somebody ends the card customer's subscription at Stripe itself."""
        path = f"/v1/subscriptions/{self.signup('card')['subscription_id']}"
        with self._told_of_what_happens_at_stripe():
            self._stripe("POST", path, cancel_at_period_end="true")

    # -- what is looked at ---------------------------------------------------------------------------------

    def signup(self, name: str) -> Item:
        """The master record."""
        found = self.store.get("signups", {"signup_id": self.ids[name]})
        assert found is not None, name
        return found

    def records(self, name: str) -> dict[str, list[Any]]:
        return canonical(records(self.store, self.ids[name], f"msg_{name}"))

    def audited(self) -> list[tuple[str, str]]:
        """Who did what today, or yesterday when the test ran over midnight."""
        days = {self.signup(name)["received_at"][:10] for name in self.ids} | {f"{_now():%Y-%m-%d}"}
        rows = [row for day in sorted(days) for row in self.store.query("audit", Equals("day", day)).items]
        return [(row["role"], row["action"]) for row in rows]

    def held_by_vendors(self) -> dict[str, dict[str, int]]:
        """How many objects of each kind every vendor holds; a post in the chat may tell of many."""
        return {
            name: {kind: len(held) for kind, held in vendor.stand_in.state.census().items() if held}
            for name, vendor in self.vendors.items()
            if name != "slack"
        }

    def subscriptions_at_stripe(self) -> list[dict[str, Any]]:
        return list(self.vendors["stripe"].stand_in.state.census()["subscription"])

    def told_in_the_chat(self) -> set[str]:
        """Of whom operators were told something."""
        posts = json.dumps(self.vendors["slack"].stand_in.state.census())
        return {name for name, id in self.ids.items() if id in posts}

    # -- how they do it ------------------------------------------------------------------------------------

    def api(
        self,
        method: str,
        route: str,
        *,
        role: str = "support",
        status: int = 200,
        body: dict[str, Any] | None = None,
        **parameters: str,
    ) -> dict[str, Any]:
        """Call a route as API Gateway does, authorizer first; returns the JSON."""
        request = _request(method, route, parameters, body, token=TOKENS[role])
        allowed = self.call("operations/authorize", request)
        assert allowed["isAuthorized"] and allowed["context"]["role"] == role
        request["requestContext"]["authorizer"] = {"lambda": allowed["context"]}
        answer = self.call("operations/api", request)
        assert answer["statusCode"] == status, answer
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def _pay(self, **page: str) -> None:
        """Pay on a page of Stripe's."""
        with self._told_of_what_happens_at_stripe():
            paid = self._post("/_control/pay", json.dumps({**page, "email": "payer@example.com"}))
            assert [result["status"] for result in paid["results"]] == [200], paid

    @contextlib.contextmanager
    def _told_of_what_happens_at_stripe(self) -> Iterator[None]:
        """Deliver the events of what is done inside, each when what followed from the former has settled."""
        before = {event["id"] for event in self._events()}
        yield
        news = [event for event in self._events() if event["id"] not in before]
        assert news
        for event in reversed(news):  # Stripe lists the newest first
            post = stripe_post(json.dumps(event).encode(), at=_now(), secret=SECRETS["stripe_webhook"])
            assert self.call("intake/receive_stripe", post)["statusCode"] == 200
            self.settle()

    def _events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._stripe("GET", "/v1/events?limit=100")["data"]
        return found

    def _stripe(self, method: str, path: str, **fields: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {KEYS['stripe']}"}
        if fields:
            headers["content-type"] = "application/x-www-form-urlencoded"
        found: dict[str, Any] = self._post(path, urlencode(fields) or None, method=method, headers=headers)
        return found

    def _post(self, path: str, body: str | None, *, method: str = "POST", headers: Any = None) -> Any:
        with urllib3.PoolManager(retries=False, timeout=10) as http:
            answer = http.request(method, self.vendors["stripe"].url + path, body=body, headers=headers)
        assert answer.status == 200, answer.data
        return answer.json()


@contextlib.contextmanager
def vendors(folder: Path, policies: dict[str, Any]) -> Iterator[dict[str, Running]]:
    """Five vendors of a world's own, set up as the policies say."""
    with contextlib.ExitStack() as stack:
        found = {
            name: stack.enter_context(running(name, folder, config=Config(api_key=KEYS[name])))
            for name in NAMES
        }
        keys = {f"{name.upper()}_API_KEY": key for name, key in KEYS.items()}
        prepare(policies, {**keys, **bases(found)}, done=folder / "prepared")
        yield found


def bases(found: dict[str, Running]) -> dict[str, str]:
    """Where each vendor answers, by the variable that says so."""
    return {f"{name.upper()}_API_BASE": vendor.url for name, vendor in found.items()}


def _request(
    method: str, route: str, parameters: dict[str, str], body: dict[str, Any] | None, *, token: str
) -> dict[str, Any]:
    path = route.format(**parameters)
    sent = {"content-type": "application/json"} if body is not None else {}
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {token}", **sent},
        "pathParameters": parameters,
        "requestContext": {
            "requestId": "request",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": False,
        **({"body": json.dumps(body)} if body is not None else {}),
    }


def _now() -> datetime:
    return datetime.now(UTC)
