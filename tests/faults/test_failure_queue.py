"""The failure queue: what fails for good is seen with its reason, and one command makes it whole (B11)."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.onboarding import activate_account
from functions.operations.mend_failures import handler as mend
from functions.provisioning import create_identity
from tests.faults import census
from tests.faults.repairs import FOR_GOOD, SLACK, bug, crm_down, failures, let_pass, posts, redrive
from tests.faults.sign_ups import signed
from tests.faults.world import World, opened
from usher.domain.errors import Conflict


def test_a_crm_that_was_down_degrades_and_a_redrive_makes_the_customer_whole(world: World) -> None:
    crm_down(world)
    signup_id = world.sign_up()
    world.settle()
    assert world.status(signup_id)["status"] == "degraded"
    (failure,) = failures(world)
    assert (failure["kind"], failure["step"], failure["subject"]) == ("degraded", "sync_crm", signup_id)
    assert (failure["tries"], failure["account_id"]) == (1, world.status(signup_id)["account_id"])
    assert failure["links"]["signup"].endswith(f"/v1/signups/{signup_id}")
    (text,) = posts(world)
    assert failure["failure_id"] in text

    status, again = redrive(world, failure)  # the vendor is not back: on the list once more
    assert (status, again["execution"].rpartition(":")[2]) == (202, f"signup-{signup_id}-r1")
    world.settle()
    (failure,) = failures(world)
    assert (failure["tries"], failure["redrives"]) == (2, 1)

    world.vendors.heal("hubspot")
    assert redrive(world, failure)[0] == 202
    world.settle()
    assert failures(world) == []
    (resolved,) = failures(world, "resolved")
    assert resolved["failure_id"] == failure["failure_id"]
    assert "failure" not in world.status(signup_id)
    census.of(world).active(posts=len(posts(world)))
    assert "Repaired: sync_crm" in posts(world)[-1]


def test_what_a_vendor_s_outage_left_is_repaired_by_itself_when_the_vendor_is_back(world: World) -> None:
    crm_down(world)
    signup_id = world.sign_up()
    world.settle()
    assert mend({}, None) == {"count": 0}  # a quarter of an hour is given first
    let_pass(world, minutes=15)
    assert mend({}, None) == {"count": 1}
    world.settle()
    (failure,) = failures(world)
    assert (failure["tries"], failure["repairs"], failure["redrives"]) == (2, 1, 0)
    world.vendors.heal("hubspot")
    let_pass(world, minutes=30)
    assert mend({}, None) == {"count": 1}
    world.settle()
    assert world.status(signup_id)["status"] == "active"
    assert failures(world) == []
    (first, last) = posts(world)
    assert ("sync_crm failed" in first, "Repaired: sync_crm (by itself)" in last) == (True, True)
    assert world.rows("audit") == []


@pytest.mark.parametrize("module", [create_identity, activate_account], ids=lambda module: module.__name__)
def test_a_bug_never_rolls_a_customer_back_and_a_redrive_goes_on_where_it_broke(
    world: World, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    """Scenario 8: beside the billing, and behind it."""
    step = module.__name__.rpartition(".")[2]

    with monkeypatch.context() as patched:
        patched.setattr(module, step, bug)
        signup_id = world.sign_up()
        world.settle()
    broken = world.status(signup_id)
    assert (broken["status"], broken["failure"]["step"]) == ("failed", step)
    (failure,) = failures(world)
    assert (failure["kind"], failure["state"]) == ("execution", "open")
    assert f"a bug: {step} raised KeyError" in failure["reason"]
    if step == "activate_account":
        (subscription,) = world.vendors.objects()["stripe"]["subscription"]
        assert subscription["status"] == "active"  # the customer has paid, and stays

    assert redrive(world, failure)[0] == 202
    world.settle()
    assert world.status(signup_id)["status"] == "active"
    assert failures(world) == []
    census.of(world).active(posts=len(posts(world)))
    (execution,) = world.executions()
    assert (execution["status"], execution["redriveCount"]) == ("SUCCEEDED", 1)


def test_an_execution_that_cannot_be_resumed_is_begun_anew_and_holds_up_nobody_s_repair(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(activate_account, "activate_account", bug)
        ada = world.sign_up("ada")
        world.settle()
    (failure,) = failures(world)

    def full(workflows: Any, execution_id: str) -> None:
        raise Conflict("ExecutionNotRedrivable: its event history is full")

    monkeypatch.setattr(type(world.usher.platform.workflows), "redrive", full)
    crm_down(world)
    bob = world.sign_up("bob")
    world.settle()
    world.vendors.heal("hubspot")
    status, again = redrive(world, failure)
    assert (status, again["execution"].rpartition(":")[2]) == (202, f"signup-{ada}-r1")
    let_pass(world, minutes=16)
    mend({}, None)
    world.settle()
    assert {world.status(signup_id)["status"] for signup_id in (ada, bob)} == {"active"}
    assert failures(world) == failures(world, "redriving") == []


def test_a_second_redrive_and_one_of_somebody_without_the_right_are_refused(world: World) -> None:
    crm_down(world)
    signup_id = world.sign_up()
    world.settle()
    (failure,) = failures(world)
    assert redrive(world, failure, role="viewer")[0] == 403
    world.vendors.heal("hubspot")
    assert redrive(world, failure)[0] == 202
    world.settle()
    status, problem = redrive(world, failure)
    assert (status, problem["detail"]) == (409, "the sign-up is active: there is nothing to try again")
    status, problem = world.call(
        "POST", f"/v1/onboardings/{signup_id}/redrive", {"reason": "x"}, role="support"
    )
    assert status == 409
    assert redrive(world, {"failure_id": "fail_nobody"})[0] == 404
    assert world.call("POST", f"/v1/failures/{failure['failure_id']}/redrive", {}, role="support")[0] == 400


def test_fifty_failures_at_once_are_all_told_and_slack_never_says_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real time, which is what Slack's limit of a post a second is counted in."""
    monkeypatch.setattr(create_identity, "create_identity", bug)
    with opened(tmp_path, skipping=False) as world:
        people = [signed(f"p{number:02}") for number in range(50)]
        ids = sorted(str(each["signup_id"]) for each in world.post(*people, connections=4).accepted)
        world.settle()
        assert sorted(item["subject"] for item in failures_all(world)) == ids
        text = "\n".join(posts(world))
        assert [id for id in ids if text.count(f"/v1/signups/{id}") != 1] == []
        calls = world.vendors.control("slack", "GET", "calls")[SLACK]["calls"]
        assert calls == len(posts(world)) < 25  # none was refused, and none is about one failure only


def failures_all(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, page = world.call("GET", f"/v1/failures?limit=20{cursor}", role="support")
        assert status == 200
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_dead_slack_slows_no_sign_up_and_ends_in_the_dead_letter_queue(world: World) -> None:
    world.vendors.fault("slack", SLACK, "500", count=FOR_GOOD)
    crm_down(world)
    signup_id = world.sign_up()
    world.settle()
    assert world.status(signup_id)["status"] == "degraded"
    (letter,) = world.usher.queue.dead_letters("chat")
    assert signup_id in letter.body
    assert len(failures(world)) == 1
