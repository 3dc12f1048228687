"""Scenarios 1 and 17: a crash before and after every function on a sign-up's way leaves no trace in the end.

The deployment dies at the point, another one begins on what was durable (tests/faults/crashing.py).
"""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.faults import census
from tests.faults.calls import FORWARD, STEPS, WAYS
from tests.faults.crashing import When
from tests.faults.repairs import failures, posts
from tests.faults.sign_ups import signed
from tests.faults.world import World, opened

BILLING = ("billing/create_billing_customer", "billing/create_subscription")
PROVISIONING = (
    "provisioning/create_identity",
    "provisioning/provision_tenant",
    "provisioning/issue_api_key",
)
FOLLOWING = ("crm/sync_crm", "mail/send_welcome_mail")
TELLING = ("reporting/publish_events",)  # of a success nobody is told by a call: policy asks for a digest
WHENS: tuple[When, ...] = ("before", "after")
VOLATILE = ("timestamp", "version", "since", "ended", "milliseconds_to_active", "hosted_url")
BY_ID = ("number", "shard", "feed")  # what follows from an id or a moment
BY_ORDER = ("sequence", "outbox_last")  # steps and sync tell side by side; the census looks for gaps
NAMES = re.compile(r"([a-z]+_)[0-9A-Za-z]{16,}|\d{4}-\d\d-\d\dT[\d:.]+Z")  # ids and moments inside texts


def settled(world: World) -> dict[str, Any]:
    """The final state, less what differs between any two runs: times, vendors' ids, counts of writes."""
    found = census.of(world)
    records = {
        table: sorted((_steady(row) for row in rows), key=str)
        for table, rows in found.records.items()
        if table not in ("inbox", "idempotency", "buckets")
    }
    return {**records, **found.counts(), "executions": sorted(each["status"] for each in world.executions())}


def differences(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The parts of a final state that are not as expected, each with both values."""
    return {part: (found[part], expected[part]) for part in found if found[part] != expected[part]}


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _steady(each) for name, each in sorted(value.items()) if not _varies(name)}
    if isinstance(value, list):
        return [_steady(each) for each in value]
    return NAMES.sub(r"\1", value) if isinstance(value, str) else value


def _varies(name: str) -> bool:
    return name in (*VOLATILE, *BY_ID, *BY_ORDER) or name.endswith(
        ("_at", "_id", "_start", "_end", "_ids", "_until")
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The final state of one sign-up that nothing disturbed."""
    with opened(tmp_path_factory.mktemp("undisturbed")) as world:
        world.sign_up()
        world.settle()
        return settled(world)


def points(*functions: str) -> list[tuple[str, When]]:
    return [(function, when) for function in functions for when in WHENS]


ONE_WAY = points("onboarding/register_signup", *BILLING, "onboarding/activate_account", *FOLLOWING)
OTHER_WAY = points(*PROVISIONING, *TELLING)
DISPATCH = points("intake/dispatch_signup")


@pytest.mark.parametrize("way", [DISPATCH, ONE_WAY, OTHER_WAY], ids=["dispatch", "billing", "other"])
def test_one_sign_up_survives_a_crash_at_every_point_of_its_way(
    world: World, undisturbed: dict[str, Any], way: list[tuple[str, When]]
) -> None:
    """A dozen deaths, each deployment dying at the next point; of things side by side one at a time."""
    world.crash_at(*way[0])
    world.sign_up()
    for point in [*way[1:], None]:
        world.revive(point)
    world.settle()
    census.of(world).active()
    assert differences(settled(world), undisturbed) == {}


@pytest.mark.long
@pytest.mark.parametrize("point", [*DISPATCH, *ONE_WAY, *OTHER_WAY], ids="-".join)
def test_a_crash_at_one_point_changes_nothing_in_the_end(
    world: World, undisturbed: dict[str, Any], point: tuple[str, When]
) -> None:
    world.crash_at(*point)
    world.sign_up()
    world.revive()
    world.settle()
    census.of(world).active()
    assert differences(settled(world), undisturbed) == {}


@pytest.mark.parametrize("when", WHENS)
def test_a_crash_while_a_sign_up_is_taken_in_loses_nothing_that_was_answered(
    world: World, undisturbed: dict[str, Any], when: When
) -> None:
    """The caller gets no answer and posts again, as webhooks are posted until one comes."""
    world.crash_at("intake/receive_signup", when)
    assert world.post(signed("ada")).statuses == {500: 1}
    world.revive()
    world.sign_up()
    world.settle()
    census.of(world).active()
    assert differences(settled(world), undisturbed) == {}


def test_a_rollback_survives_a_crash_at_every_point_of_its_way(tmp_path: Path) -> None:
    """Two dozen deaths, and the same end as without any; point by point in test_matrix.py."""
    strict = WAYS["strict"]
    (tmp_path / "undisturbed").mkdir()
    with opened(tmp_path / "undisturbed", onboarding=strict.onboarding) as world:
        strict.order(world)
        world.sign_up()
        world.settle()
        census.of(world).rolled_back(refunded=True, told=True)
        expected = settled(world)
    way = points(*STEPS["strict"])
    (tmp_path / "dying").mkdir()
    with opened(tmp_path / "dying", onboarding=strict.onboarding) as world:
        strict.order(world)
        world.crash_at(*way[0])
        world.sign_up()
        for point in [*way[1:], None]:
            world.revive(point)
        world.settle()
        census.of(world).rolled_back(refunded=True, told=True)
        assert posts(world)  # again after a crash between a post and its note: rather twice than never
        assert differences({**settled(world), "slack": expected["slack"]}, expected) == {}


@pytest.mark.parametrize("when", WHENS)
def test_a_crash_while_a_failure_is_filed_still_files_it_once_and_tells_it(world: World, when: When) -> None:
    world.vendors.fault("product", FORWARD["put_tenant"].operation, "fail_before", count=None)
    world.crash_at("operations/file_failed_execution", when)
    signup_id = world.sign_up()
    world.revive()
    world.settle()
    (failure,) = failures(world)
    assert (failure["kind"], failure["step"], failure["tries"]) == ("execution", "provision_tenant", 1)
    assert world.status(signup_id)["status"] == "failed"
    (post,) = posts(world)
    assert signup_id in post


@pytest.mark.parametrize("when", WHENS)
def test_a_crash_while_stripes_event_is_dealt_with_loses_no_change(world: World, when: When) -> None:
    world.sign_up()
    world.settle()
    world.crash_at("billing/sync_stripe", when)
    with world.vendors.stripe() as stripe:
        [subscription] = stripe.subscriptions.list().data
        stripe.subscriptions.cancel(subscription.id)
    world.revive()
    world.settle()
    found = census.of(world)
    found.billing_equals_stripes()
    found.nothing_is_pending()
    [account] = world.rows("accounts")
    assert found.events(account["account_id"]).count("subscription.canceled") == 1
