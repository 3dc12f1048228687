"""The proof without an account: the synthesized templates, run on moto, leave what the local engine leaves.

docs/aws-proof.md says what this shows and what it cannot show.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import urllib3
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from infra import policy_files
from infra.aws.lock_layers import ROOT
from infra.local.build import LocalUsher
from infra.local.clock import LocalClock
from infra.local.prepare import prepare
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import Running, running
from tests.fakes.platform import FixedSecrets
from tests.fakes.webhooks import signup_post, stripe_post
from tests.infra import moto_states
from tests.infra.assembly import ACCOUNT, REGION, Assembly, arn
from tests.infra.final_records import canonical, left_over, records
from tests.infra.moto_account import MotoAccount
from tests.infra.moto_functions import MotoFunctions
from tests.infra.moto_traffic import MotoTraffic
from usher import settings as usher_settings
from usher.adapters.aws_platform import AwsPlatform
from usher.bootstrap import platform as usher_platform
from usher.bootstrap import policies
from usher.domain import ids
from usher.ports.store import Store
from usher.settings import Settings

PATHS = {"card": "card-monthly", "trial": "trial", "free": "free", "declined": "card-declined"}
TOKEN = "product_token_of_the_tests"
URL = "https://usher.example.com"
VENDORS = ("stripe", "hubspot", "postmark", "product", "slack")
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
    "access_tokens": json.dumps({hashlib.sha256(TOKEN.encode()).hexdigest(): "product"}),
    "slack_webhook": KEYS["slack"],
    **{f"{vendor}_api_key": key for vendor, key in KEYS.items() if vendor != "slack"},
}


@dataclass(frozen=True)
class World:
    """One deployment with vendors of its own, after the four sign-ups and one change made at Stripe."""

    call: Callable[[str, dict[str, Any]], Any]
    settle: Callable[[], object]
    store: Store
    vendors: dict[str, Running]
    status: dict[str, Any] = field(default_factory=dict)

    def live(self) -> None:
        self.sign_up()
        self.change_at_stripe()
        self.status.update(self.ask_for_status())

    def sign_up(self) -> None:
        """Post the four sign-ups as a product's backend does, and wait for all that follows."""
        for name, file in PATHS.items():
            body = (ROOT / "events" / f"signup-{file}.json").read_bytes()
            event = signup_post(body, webhook_id=f"msg_{name}", at=_now(), secret=SECRETS["signup_webhook"])
            answer = self.call("intake/receive_signup", event)
            assert answer["statusCode"] == 202, answer
        self.settle()

    def change_at_stripe(self) -> None:
        """End the card customer's subscription at Stripe itself, and deliver the events of that."""
        signup = self.store.get("signups", {"signup_id": signup_id("card")})
        assert signup is not None
        before = {event["id"] for event in self._stripe("GET", "/v1/events?limit=100")["data"]}
        path = f"/v1/subscriptions/{signup['subscription_id']}"
        self._stripe("POST", path, cancel_at_period_end="true")
        events = self._stripe("GET", "/v1/events?limit=100")["data"]
        news = [event for event in events if event["id"] not in before]
        assert news
        for event in news:
            body = json.dumps(event).encode()
            post = stripe_post(body, at=_now(), secret=SECRETS["stripe_webhook"])
            assert self.call("intake/receive_stripe", post)["statusCode"] == 200
        self.settle()

    def ask_for_status(self) -> dict[str, Any]:
        """What the product is told of the card customer, through the authorizer."""
        request = _status_request(signup_id("card"))
        allowed = self.call("operations/authorize", request)
        assert allowed["isAuthorized"] and allowed["context"]["role"] == "product"
        request["requestContext"]["authorizer"] = {"lambda": allowed["context"]}
        answer = self.call("operations/api", request)
        assert answer["statusCode"] == 200
        status: dict[str, Any] = json.loads(answer["body"])
        return status

    def _stripe(self, method: str, path: str, **fields: str) -> dict[str, Any]:
        with urllib3.PoolManager(retries=False, timeout=10) as http:
            headers = {"authorization": f"Bearer {KEYS['stripe']}"}
            if fields:
                headers["content-type"] = "application/x-www-form-urlencoded"
            url = self.vendors["stripe"].url + path
            answer = http.request(method, url, body=urlencode(fields) or None, headers=headers)
        assert answer.status == 200, answer.data
        found: dict[str, Any] = answer.json()
        return found

    def records(self, name: str) -> dict[str, list[Any]]:
        return canonical(records(self.store, signup_id(name), f"msg_{name}"))

    def held_by_vendors(self) -> dict[str, dict[str, int]]:
        """How many objects of each kind every vendor holds."""
        return {
            name: {kind: len(held) for kind, held in vendor.stand_in.state.census().items() if held}
            for name, vendor in self.vendors.items()
        }


@pytest.fixture(scope="module")
def rendered_policies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The policies as the layer carries them: JSON files in one folder."""
    folder = tmp_path_factory.mktemp("opt") / "policies"
    policy_files.render(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policies, "FOLDER", folder)
        policies.install({})
        yield
        policies.install({})


@pytest.fixture(scope="module")
def locally(rendered_policies: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """On one machine: the local engine, SQLite, queues and bus of infra/local."""
    folder = tmp_path_factory.mktemp("local")
    with contextlib.ExitStack() as stack:
        vendors = stack.enter_context(_vendors(folder))
        clock = LocalClock()
        stack.callback(clock.close)
        settings = Settings(public_url=URL, **{key.lower(): url for key, url in _bases(vendors).items()})
        usher = LocalUsher(folder, settings, clock=clock, secrets=FixedSecrets(**SECRETS), schedules=False)
        stack.enter_context(usher)

        def settle() -> None:
            assert usher.wait_idle(60)

        world = World(usher.functions.invoke, settle, usher.store, vendors)
        world.live()
        yield world
    usher_settings.install(None)  # back to the environment's


@dataclass(frozen=True)
class OnAws:
    """The world on moto, with what watched it."""

    world: World
    functions: MotoFunctions
    traffic: MotoTraffic


@pytest.fixture(scope="module")
def on_aws(locally: World, prod: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnAws]:
    """On moto: the templates' tables, queues, bus, rules, environments, roles and state machines."""
    with contextlib.ExitStack() as stack:
        vendors = stack.enter_context(_vendors(tmp_path_factory.mktemp("aws")))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto knows no endpoint per account
        assert ACCOUNT == DEFAULT_ACCOUNT_ID
        stack.enter_context(mock_aws(config=moto_states.CONFIG))
        account = MotoAccount(prod, secrets=SECRETS)
        addresses = {"USHER_URL": URL, **_bases(vendors)}
        functions = MotoFunctions(account, addresses)
        patch.setattr(boto3, "DEFAULT_SESSION", functions.session)
        moto_states.complete(patch, functions.call_qualified, functions.check_workflow)
        traffic = MotoTraffic(account, functions)
        tables = {t.lower().removeprefix("usher-prod-"): t for t in _tables(prod)}
        settings = Settings(region=REGION, tables={name.replace("-", "_"): t for name, t in tables.items()})
        world = World(functions.call, traffic.settle, AwsPlatform(settings).store, vendors)
        world.live()
        yield OnAws(world, functions, traffic)
        usher_platform.install(None)
    usher_settings.install(None)  # back to the environment's


@pytest.mark.parametrize("name", PATHS)
def test_the_final_records_are_those_of_the_local_engine(name: str, locally: World, on_aws: OnAws) -> None:
    there, here = on_aws.world.records(name), locally.records(name)
    assert there.keys() == here.keys()
    for table, items in here.items():
        assert there[table] == items, table
    assert here["signups"] and here["events"] and here["accounts"]


@pytest.mark.parametrize(
    ("name", "status"), [("card", "active"), ("trial", "active"), ("free", "active"), ("declined", "failed")]
)
def test_each_sign_up_came_to_its_end(name: str, status: str, locally: World, on_aws: OnAws) -> None:
    """Two empty stores would be equal too."""
    for world in (locally, on_aws.world):
        (signup,) = world.records(name)["signups"]
        assert signup["status"] == status
        assert len(world.records(name)["mails"]) == (status == "active")


def test_the_vendors_hold_the_same(locally: World, on_aws: OnAws) -> None:
    here = locally.held_by_vendors()
    assert on_aws.world.held_by_vendors() == here
    assert here["stripe"]["customer"] == 3 and here["stripe"]["subscription"] == 3


def test_what_changed_at_stripe_reached_both(locally: World, on_aws: OnAws) -> None:
    for world in (locally, on_aws.world):
        (subscription,) = world.records("card")["subscriptions"]
        assert subscription["cancel_at_period_end"] is True


def test_nothing_is_left_in_a_queue_or_unpublished(prod: Assembly, locally: World, on_aws: OnAws) -> None:
    assert {
        q["QueueName"]: on_aws.traffic.depth(q["QueueName"]) for q in prod.properties("AWS::SQS::Queue")
    } == {q["QueueName"]: 0 for q in prod.properties("AWS::SQS::Queue")}
    assert set(on_aws.traffic.statuses()) == {"SUCCEEDED"}
    assert left_over(on_aws.world.store) == left_over(locally.store) == []


def test_every_call_to_aws_was_within_the_role_of_its_function(on_aws: OnAws) -> None:
    assert on_aws.functions.denied == []
    used = {action for action, _ in on_aws.functions.used}
    assert {"dynamodb:PutItem", "sqs:SendMessage", "states:StartExecution", "events:PutEvents"} <= used
    sent_to = {resource for action, resource in on_aws.functions.used if action == "sqs:SendMessage"}
    assert {arn("sqs", "usher-prod-crm"), arn("sqs", "usher-prod-mail")} <= sent_to  # by the workflow
    assert "states:SendTaskSuccess" in used


def test_a_call_outside_of_a_function_would_have_been_seen(on_aws: OnAws) -> None:
    with pytest.raises(AssertionError, match="called by nobody"):
        on_aws.functions.session.client("dynamodb").get_item(
            TableName="usher-prod-signups", Key={"signup_id": {"S": signup_id("card")}}
        )


def test_the_status_route_answers_the_same_behind_the_authorizer(locally: World, on_aws: OnAws) -> None:
    here, there = locally.status, on_aws.world.status
    assert there["status"] == here["status"] == "active"
    assert there["stage"] == here["stage"]
    assert there["ids"].keys() == here["ids"].keys()
    assert [step["name"] for step in there["steps"]] == [step["name"] for step in here["steps"]]
    assert all(step["status"] == "done" for step in there["steps"])


def signup_id(name: str) -> str:
    return ids.derived("su", f"msg_{name}")


@contextlib.contextmanager
def _vendors(folder: Path) -> Iterator[dict[str, Running]]:
    """Five vendors of this world's own, set up as the policies say."""
    with contextlib.ExitStack() as stack:
        vendors = {
            name: stack.enter_context(running(name, folder, config=Config(api_key=KEYS[name])))
            for name in VENDORS
        }
        keys = {f"{name.upper()}_API_KEY": key for name, key in KEYS.items()}
        prepare(policy_files.load_all(), {**keys, **_bases(vendors)}, done=folder / "prepared")
        yield vendors


def _bases(vendors: dict[str, Running]) -> dict[str, str]:
    return {f"{name.upper()}_API_BASE": vendor.url for name, vendor in vendors.items()}


def _tables(assembly: Assembly) -> list[str]:
    return [table["TableName"] for table in assembly.properties("AWS::DynamoDB::Table")]


def _status_request(signup: str) -> dict[str, Any]:
    path = f"/v1/signups/{signup}"
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeKey": "GET /v1/signups/{id}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "pathParameters": {"id": signup},
        "requestContext": {
            "requestId": "request",
            "stage": "$default",
            "http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": False,
    }


def _now() -> datetime:
    return datetime.now(UTC)
