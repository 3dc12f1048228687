"""The proof without an account: the synthesized templates, run on moto, leave what the local engine leaves.

docs/aws-proof.md says what this shows and what it cannot show.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from infra import policy_files
from infra.local.build import LocalUsher
from infra.local.clock import LocalClock
from tests.fakes.platform import FixedSecrets
from tests.infra import moto_states
from tests.infra.assembly import ACCOUNT, REGION, Assembly, arn
from tests.infra.final_records import left_over
from tests.infra.moto_account import MotoAccount
from tests.infra.moto_functions import MotoFunctions
from tests.infra.moto_traffic import MotoTraffic
from tests.infra.proof_world import LINK, PEOPLE, SECRETS, World, bases, vendors
from usher import settings as usher_settings
from usher.adapters.aws_platform import AwsPlatform
from usher.bootstrap import platform as usher_platform
from usher.bootstrap import policies
from usher.settings import Settings
from usher.usecases import publish_events

URL = "https://usher.example.com"
EVERYBODY = (*PEOPLE, LINK)
ENDS = {"declined": "rolled_back", "unbacked": "rolled_back"}  # everybody else is active
WAY_BACK = (
    "onboarding/begin_rollback",
    "provisioning/revoke_api_key",
    "provisioning/remove_tenant",
    "provisioning/remove_identity",
    "billing/refund_payment",
    "billing/cancel_subscription",
    "billing/close_customer",
    "crm/withdraw_from_crm",
    "onboarding/close_signup",
)
WAIT_AT_MOST = 3  # a reviewer's, and two payers' answers are waited for at once


@pytest.fixture(scope="module")
def rendered_policies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The policies as the layer carries them: JSON files in one folder."""
    folder = tmp_path_factory.mktemp("opt") / "policies"
    policy_files.render(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policies, "FOLDER", folder)
        patch.setattr(publish_events, "STREAM_LAG", timedelta(0))  # no minute is waited for the sweeper
        policies.install({})
        yield policy_files.load_all()
        policies.install({})


@pytest.fixture(scope="module")
def locally(rendered_policies: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """On one machine: the local engine, SQLite, queues and bus of infra/local."""
    folder = tmp_path_factory.mktemp("local")
    with contextlib.ExitStack() as stack:
        around = stack.enter_context(vendors(folder, rendered_policies))
        clock = LocalClock()
        stack.callback(clock.close)
        settings = Settings(public_url=URL, **{key.lower(): url for key, url in bases(around).items()})
        usher = LocalUsher(folder, settings, clock=clock, secrets=FixedSecrets(**SECRETS), schedules=False)
        stack.enter_context(usher)

        def settle() -> None:
            assert usher.wait_idle(60, waiting=WAIT_AT_MOST)

        world = World(usher.functions.invoke, settle, usher.store, around)
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
def on_aws(
    locally: World,
    prod: Assembly,
    rendered_policies: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OnAws]:
    """On moto: the templates' tables, queues, bus, rules, environments, roles and state machines."""
    with contextlib.ExitStack() as stack:
        around = stack.enter_context(vendors(tmp_path_factory.mktemp("aws"), rendered_policies))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto knows no endpoint per account
        assert ACCOUNT == DEFAULT_ACCOUNT_ID
        stack.enter_context(mock_aws(config=moto_states.CONFIG))
        stack.callback(moto_states.stop)
        account = MotoAccount(prod, secrets=SECRETS)
        addresses = {"USHER_URL": URL, **bases(around)}
        functions = MotoFunctions(account, addresses)
        patch.setattr(boto3, "DEFAULT_SESSION", functions.session)
        moto_states.complete(patch, functions.call_qualified, functions.check_workflow)
        traffic = MotoTraffic(account, functions)
        tables = {t.lower().removeprefix("usher-prod-"): t for t in _tables(prod)}
        settings = Settings(region=REGION, tables={name.replace("-", "_"): t for name, t in tables.items()})
        world = World(functions.call, traffic.settle, AwsPlatform(settings).store, around)
        world.live()
        yield OnAws(world, functions, traffic)
        usher_platform.install(None)
    usher_settings.install(None)  # back to the environment's


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_final_records_are_those_of_the_local_engine(name: str, locally: World, on_aws: OnAws) -> None:
    there, here = on_aws.world.records(name), locally.records(name)
    assert there.keys() == here.keys()
    for table, items in here.items():
        assert there[table] == items, table
    assert here["signups"] and here["events"] and here["accounts"]


@pytest.mark.parametrize("name", EVERYBODY)
def test_each_came_to_its_end(name: str, locally: World, on_aws: OnAws) -> None:
    """Two empty stores would be equal too."""
    for world in (locally, on_aws.world):
        assert world.signup(name)["status"] == ENDS.get(name, "active")
        assert len(world.records(name)["mails"]) == (name not in ENDS)


def test_the_vendors_hold_the_same(locally: World, on_aws: OnAws) -> None:
    here = locally.held_by_vendors()
    assert on_aws.world.held_by_vendors() == here
    assert here["product"]["tenant"] == len(EVERYBODY) - len(ENDS)
    assert here["stripe"]["customer"] == here["stripe"]["subscription"] == len(EVERYBODY) - 1
    statuses = [each["status"] for each in locally.subscriptions_at_stripe()]
    assert statuses.count("incomplete_expired") == 1  # without a card none was begun; the other was ended


def test_operators_are_told_of_the_same_people(locally: World, on_aws: OnAws) -> None:
    told = {"declined", "unbacked", "enterprise", "unpaid", LINK}
    assert on_aws.world.told_in_the_chat() == locally.told_in_the_chat() == told


def test_what_changed_at_stripe_reached_both(locally: World, on_aws: OnAws) -> None:
    for world in (locally, on_aws.world):
        (subscription,) = world.records("card")["subscriptions"]
        assert subscription["cancel_at_period_end"] is True


def test_waits_were_answered_by_who_was_asked(locally: World, on_aws: OnAws) -> None:
    """The reviewer's word through the API, the payments through Stripe's events and our own rule."""
    for world in (locally, on_aws.world):
        answers = {
            name: [
                wait.get("answer", {}).get("decision", wait["state"]) for wait in world.records(name)["waits"]
            ]
            for name in EVERYBODY
        }
        waited = {name: given for name, given in answers.items() if given}
        assert waited == {
            "enterprise": ["approve"],
            "unpaid": ["approve"],
            LINK: ["asked"],
        }  # its record says it
    assert on_aws.world.audited() == locally.audited() != []


def test_nothing_is_left_in_a_queue_or_unpublished(prod: Assembly, locally: World, on_aws: OnAws) -> None:
    queues = [queue["QueueName"] for queue in prod.properties("AWS::SQS::Queue")]
    assert {name: on_aws.traffic.depth(name) for name in queues} == dict.fromkeys(queues, 0)
    ended = {name: status for name, status in moto_states.statuses().items() if status != "SUCCEEDED"}
    assert ended == {
        f"link-{on_aws.world.ids[LINK]}": "RUNNING"
    }  # a day passes before the account is checked
    assert left_over(on_aws.world.store) == left_over(locally.store) == []


def test_every_call_to_aws_was_within_the_role_of_its_caller(on_aws: OnAws) -> None:
    assert on_aws.functions.denied == []
    used = on_aws.functions.used
    actions = {action for rights in used.values() for action, _ in rights}
    assert {"dynamodb:PutItem", "sqs:SendMessage", "states:StartExecution", "events:PutEvents"} <= actions
    assert {("sqs:SendMessage", arn("sqs", f"usher-prod-{name}")) for name in ("crm", "mail")} <= used[
        "a workflow"
    ]
    onboarding, link = (
        arn("states", f"stateMachine:usher-prod-{name}") for name in ("onboarding", "payment_link")
    )
    assert ("states:SendTaskSuccess", onboarding) in used["operations/api"]
    assert {("states:SendTaskSuccess", onboarding), ("states:SendTaskSuccess", link)} <= used[
        "billing/settle_payment"
    ] | used["billing/sync_stripe"]


def test_a_sign_up_was_undone_by_the_functions_of_the_template(on_aws: OnAws) -> None:
    assert [path for path in WAY_BACK if not on_aws.functions.used[path]] == []


def test_a_call_outside_of_a_function_would_have_been_seen(on_aws: OnAws) -> None:
    with pytest.raises(AssertionError, match="called by nobody"):
        on_aws.functions.session.client("dynamodb").get_item(
            TableName="usher-prod-signups", Key={"signup_id": {"S": on_aws.world.ids["card"]}}
        )


def test_the_status_route_answers_the_same_behind_the_authorizer(locally: World, on_aws: OnAws) -> None:
    here, there = locally.status, on_aws.world.status
    assert there["status"] == here["status"] == "active"
    assert there["stage"] == here["stage"]
    assert there["ids"].keys() == here["ids"].keys()
    assert [step["name"] for step in there["steps"]] == [step["name"] for step in here["steps"]]
    assert all(step["status"] == "done" for step in there["steps"])


def _tables(assembly: Assembly) -> list[str]:
    return [table["TableName"] for table in assembly.properties("AWS::DynamoDB::Table")]
